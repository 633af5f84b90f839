import { Command } from 'commander';
import { keepErasure } from '../backup/erasures.js';
import type { Gateway } from '../compose.js';
import { type BackupConfig, findBackupConfig } from '../config.backup.js';
import { commandScope, jsonOption, type WithGateway } from './kit.js';

const KEPT = 'The erasure is remembered beside the backups: a restore does it again.';
const KEPT_LATER =
  'A restore does it again from the next `billing backup --logs` on; with RESTIC_REPOSITORY set here it is remembered beside the backups at once.';

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
      withGateway(async (gateway, config) => {
        const backups = findBackupConfig(process.env, config);
        const result = await gateway.privacy.erase(await commandScope(gateway, options.app), options.customer);
        const isKept = backups !== null && (await keep(gateway, backups, { appId: options.app, customerId: result.customerId }));
        const kept = isKept ? KEPT : KEPT_LATER;
        const words = `Erased ${result.customerId}: ${result.rows} rows and ${result.events} events held personal data.\n${kept}\n`;
        process.stdout.write(options.json ? `${JSON.stringify({ ...result, isKept })}\n` : words);
      }),
    );
  return customers;
}

/**
 * Remembers an erasure beside the backups. Throws BackupError: the erasure was done all the same, and can be
 * repeated.
 */
async function keep(
  { database }: Gateway,
  { environment }: BackupConfig,
  { appId, customerId }: { readonly appId: string; readonly customerId: string },
): Promise<boolean> {
  const sql = `select tilled_customer_id, ${database.time.now} as read_at from billing_customers where app_id = ? and id = ?`;
  const [row] = await database.query(sql, [appId, customerId]);
  const tilledId = row?.tilled_customer_id;
  const erased = { appId, customerId, tilledCustomerId: typeof tilledId === 'string' ? tilledId : null };
  await keepErasure(environment, erased, database.time.read(row?.read_at));
  return true;
}
