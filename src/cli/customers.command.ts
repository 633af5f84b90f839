import { Command } from 'commander';
import { commandScope, jsonOption, type WithGateway } from './kit.js';

/** billing customers: what is known of a person, and forgetting it. */
export function customersCommand(withGateway: WithGateway): Command {
  const customers = new Command('customers').description('What is stored about a customer: handing it out, and forgetting it.');
  customers
    .command('export')
    .description('Prints everything that is stored about a customer as JSON. It is personal data: mind where it goes.')
    .requiredOption('--app <id>', 'the app')
    .requiredOption('--customer <id>', "our id, Tilled's or the app's external id")
    .action((options: { app: string; customer: string }) =>
      withGateway(async (gateway) => {
        const found = await gateway.privacy.export(await commandScope(gateway, options.app), options.customer);
        process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
      }),
    );
  customers
    .command('erase')
    .description(
      'Deletes a customer here and at Tilled and removes what is personal from everything stored; financial records stay. Refused while a subscription is live, or a payment is held, waits for its payer or is not settled.',
    )
    .requiredOption('--app <id>', 'the app')
    .requiredOption('--customer <id>', "our id, Tilled's or the app's external id")
    .addOption(jsonOption())
    .action((options: { app: string; customer: string; json?: true }) =>
      withGateway(async (gateway) => {
        const result = await gateway.privacy.erase(await commandScope(gateway, options.app), options.customer);
        const words = `Erased ${result.customerId}: ${result.rows} rows and ${result.events} events held personal data.\n`;
        process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : words);
      }),
    );
  return customers;
}
