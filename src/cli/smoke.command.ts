import { Command } from 'commander';
import type { Gateway } from '../compose.js';
import type { Config } from '../config.js';
import { type SmokeStep, SmokeTest } from '../preflight/smoke.js';
import { jsonOption, type WithGateway } from './kit.js';
import { partsOf } from './preflight.command.js';

interface SmokeOptions {
  readonly app: string;
  readonly url?: string;
  readonly paymentMethod?: string;
  readonly cardData?: true;
  readonly cleanupOnly?: true;
  readonly json?: true;
}

/** billing smoke: the last test before the launch, with one cent. */
export function smokeCommand(withGateway: WithGateway): Command {
  return new Command('smoke')
    .description(
      'Buys a subscription of 0.01 usd from the running gateway, sees its webhooks, cancels it, gives the cent back and cleans up.',
    )
    .requiredOption('--app <id>', 'the app to test with; one of its own: billing apps create')
    .option('--url <url>', 'where the world reaches the gateway; BILLING_PUBLIC_URL if absent')
    .option('--payment-method <id>', "pm_… of hosted fields; the sandbox's test card if absent, and nothing is bought in production")
    .option('--card-data', 'also sends a made-up card number, which must be refused; the alert CardDataRefused fires')
    .option('--cleanup-only', 'only deletes what earlier smoke tests may have left')
    .addOption(jsonOption())
    .action((options: SmokeOptions) => withGateway((gateway, config) => smoke(gateway, config, options)));
}

async function smoke(gateway: Gateway, config: Config, options: SmokeOptions): Promise<void> {
  const tell = (step: SmokeStep) => {
    if (!options.json) process.stdout.write(`${SIGNS[step.status]}  ${step.name.padEnd(14)}  ${step.evidence}\n`);
  };
  const wish = { appId: options.app, paymentMethodId: options.paymentMethod ?? null, sendsCardNumber: options.cardData === true };
  const test = new SmokeTest(await partsOf(gateway, config, options), wish, tell);
  const steps = await (options.cleanupOnly ? test.cleanUpOnly() : test.run());
  const isGood = steps.every(({ status }) => status === 'done');
  if (options.json) process.stdout.write(`${JSON.stringify({ isGood, steps })}\n`);
  else
    process.stdout.write(isGood ? 'All steps were done.\n' : 'Not all steps were done: this run does not count for billing preflight.\n');
  if (!isGood) process.exitCode = 1;
}

const SIGNS: Readonly<Record<SmokeStep['status'], string>> = { done: 'ok      ', failed: 'FAILED  ', left_out: 'left out' };
