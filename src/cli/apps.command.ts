import { Command } from 'commander';
import type { Config } from '../config.js';
import { readDemoEnvironment } from '../demo.js';
import { InvalidInput } from '../platform/errors.js';
import { jsonOption, limitInWords, requestsOption, type WithFoundation } from './kit.js';

/** billing apps: who shares this gateway. */
export function appsCommand(withFoundation: WithFoundation): Command {
  const apps = new Command('apps').description('The applications that share this gateway.');
  apps
    .command('create')
    .description('Makes an app. Its data is kept apart from every other app.')
    .argument('<id>', 'letters, digits, - and _; it cannot be changed later')
    .requiredOption('--name <name>', 'what people call it')
    .option('--tilled-account <id>', "the app's account at Tilled; the deployment's if absent")
    .addOption(jsonOption())
    .action((id: string, options: { name: string; tilledAccount?: string; json?: true }) =>
      withFoundation(async ({ access }, config) => {
        const tilledAccountId = options.tilledAccount ?? (await accountOf(config));
        const app = await access.createApp({ id, name: options.name, tilledAccountId });
        const shown = { id: app.id, name: app.name, tilledAccountId };
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : `Made app ${app.id} on Tilled account ${tilledAccountId}.\n`);
      }),
    );
  apps
    .command('limit')
    .description('Sets how many requests an app may make in 15 minutes.')
    .requiredOption('--app <id>', 'the app it is for')
    .addOption(requestsOption())
    .action((options: { app: string; requestsPerWindow: number | null }) =>
      withFoundation(async ({ limitService }) => {
        await limitService.limitApp(options.app, options.requestsPerWindow);
        process.stdout.write(`App ${options.app}: ${limitInWords(options.requestsPerWindow)}.\n`);
      }),
    );
  apps
    .command('list')
    .description('All apps, oldest first.')
    .addOption(jsonOption())
    .action((options: { json?: true }) =>
      withFoundation(async ({ access }) => {
        const shown = (await access.listApps()).map(({ id, name, tilledAccountId, createdAt }) => ({
          id,
          name,
          tilledAccountId,
          createdAt,
        }));
        const lines = shown.map((app) => `${app.id}\t${app.name}\t${app.tilledAccountId}\t${app.createdAt.toISOString()}\n`);
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : lines.join(''));
      }),
    );
  return apps;
}

/** The configured account, or that of the local sandbox. */
async function accountOf(config: Config): Promise<string> {
  const account = config.tilled?.accountId ?? (await readDemoEnvironment(config.dataDir)).TILLED_ACCOUNT_ID;
  if (account === undefined) {
    throw InvalidInput.because(
      ['tilledAccount'],
      'Which Tilled account? Give --tilled-account, set TILLED_ACCOUNT_ID, or start the gateway once so that the local sandbox makes one.',
    );
  }
  return account;
}
