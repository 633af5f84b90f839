import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { Config } from '../config.js';
import { readDemoEnvironment } from '../demo.js';
import { InvalidInput } from '../platform/errors.js';
import { onOneLine } from '../platform/text.js';
import { lifeCommands } from './app-life.commands.js';
import { jsonOption, limitInWords, requestsOption, type WithFoundation, type WithGateway } from './kit.js';

interface CreateOptions {
  readonly name: string;
  readonly tilledAccount?: string;
  readonly tilledSecretKeyStdin?: true;
  readonly corsOrigin?: readonly string[];
  readonly json?: true;
}

interface UpdateOptions {
  readonly corsOrigin?: readonly string[];
  /** False with --no-cors-origins. */
  readonly corsOrigins: boolean;
  readonly tilledSecretKeyStdin?: true;
  readonly deploymentTilledKey?: true;
}

/** billing apps: who shares this gateway. */
export function appsCommand(withFoundation: WithFoundation, withGateway: WithGateway): Command {
  const apps = new Command('apps').description('The applications that share this gateway.');
  apps.addCommand(createCommand(withFoundation));
  apps.addCommand(updateCommand(withFoundation));
  apps
    .command('rotate-session-secret')
    .description('Ends every customer session of an app within seconds.')
    .argument('<id>', 'the app')
    .action((id: string) =>
      withFoundation(async ({ access }) => {
        await access.apps.rotateSessionSecret(id);
        process.stdout.write(`Customer sessions of ${id} made until now open nothing any more.\n`);
      }),
    );
  apps.addCommand(limitCommand(withFoundation));
  apps.addCommand(listCommand(withFoundation));
  for (const command of lifeCommands(withGateway)) apps.addCommand(command);
  return apps;
}

function listCommand(withFoundation: WithFoundation): Command {
  return new Command('list')
    .description('All apps, oldest first, and which of them are suspended; with --removed also those that were removed.')
    .option('--removed', 'also apps of which only financial records are left')
    .addOption(jsonOption())
    .action((options: { json?: true; removed?: true }) =>
      withFoundation(async ({ access }) => {
        const found = await (options.removed ? access.apps.listAll() : access.listApps());
        const shown = found.map(({ id, name, tilledAccountId, corsOrigins, createdAt, suspendedAt, removedAt }) => ({
          ...{ id, name, tilledAccountId, createdAt, suspendedAt, removedAt },
          corsOrigins: corsOrigins ?? [],
        }));
        const lines = shown.map((app) => [
          app.id,
          onOneLine(app.name),
          app.tilledAccountId,
          app.createdAt.toISOString(),
          app.corsOrigins.join(' ') || 'no origins',
          ...(app.suspendedAt === null ? [] : [`suspended ${app.suspendedAt.toISOString()}`]),
          ...(app.removedAt === null ? [] : [`removed ${app.removedAt.toISOString()}`]),
        ]);
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : lines.map((line) => `${line.join('\t')}\n`).join(''));
      }),
    );
}

function createCommand(withFoundation: WithFoundation): Command {
  return new Command('create')
    .description('Makes an app. Its data is kept apart from every other app.')
    .argument('<id>', 'letters, digits, - and _; it cannot be changed later')
    .requiredOption('--name <name>', 'what people call it')
    .option('--tilled-account <id>', "the app's account at Tilled; the deployment's if absent")
    .option('--tilled-secret-key-stdin', "reads the app's own secret key at Tilled from standard input; the deployment's if absent")
    .option('--cors-origin <origin...>', 'where pages stand that may read answers for the app')
    .addOption(jsonOption())
    .action((id: string, options: CreateOptions) =>
      withFoundation(async ({ access }, config) => {
        const tilledAccountId = options.tilledAccount ?? (await accountOf(config));
        const tilledSecretKey = options.tilledSecretKeyStdin ? await secretFromInput() : undefined;
        const app = await access.createApp({ id, name: options.name, tilledAccountId, tilledSecretKey, corsOrigins: options.corsOrigin });
        const shown = { id: app.id, name: app.name, tilledAccountId };
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : `Made app ${app.id} on Tilled account ${tilledAccountId}.\n`);
      }),
    );
}

function limitCommand(withFoundation: WithFoundation): Command {
  return new Command('limit')
    .description('Sets how many requests an app and its customers may make in 15 minutes; what is not named stays as it is.')
    .requiredOption('--app <id>', 'the app it is for')
    .addOption(requestsOption('--requests-per-window', " of the app's keys"))
    .addOption(requestsOption('--session-requests-per-window', ' of one customer, with all their sessions'))
    .addOption(requestsOption('--all-sessions-requests-per-window', ' of all customers together'))
    .action((options: LimitOptions) =>
      withFoundation(async ({ limitService }) => {
        const { app, requestsPerWindow, sessionRequestsPerWindow, allSessionsRequestsPerWindow } = options;
        const limits = [
          ['app', 'Its keys', requestsPerWindow],
          ['session', 'One customer', sessionRequestsPerWindow],
          ['sessions', 'All customers', allSessionsRequestsPerWindow],
        ] as const;
        if (limits.every(([, , limit]) => limit === undefined))
          throw InvalidInput.because(['requestsPerWindow'], 'Which limit? Give --requests-per-window or one of those for sessions.');
        for (const [budget, whose, limit] of limits) {
          if (limit === undefined) continue;
          await limitService.limitApp(app, limit, budget);
          process.stdout.write(`App ${app}. ${whose}: ${limitInWords(limit)}.\n`);
        }
      }),
    );
}

/** Limits as they are set; null is the deployment's again, and what is absent stays. */
interface LimitOptions {
  readonly app: string;
  readonly requestsPerWindow?: number | null;
  readonly sessionRequestsPerWindow?: number | null;
  readonly allSessionsRequestsPerWindow?: number | null;
}

function updateCommand(withFoundation: WithFoundation): Command {
  return new Command('update')
    .description('Changes an app; what is not named stays as it is. Seen by every process within five seconds.')
    .argument('<id>', 'the app')
    .option('--cors-origin <origin...>', 'where pages stand that may read answers for the app, in place of those before')
    .option('--no-cors-origins', 'no pages may')
    .option('--tilled-secret-key-stdin', "reads the app's own secret key at Tilled from standard input")
    .option('--deployment-tilled-key', "the deployment's key at Tilled again")
    .action((id: string, options: UpdateOptions) =>
      withFoundation(async ({ access: { apps } }) => {
        const origins = options.corsOrigins ? options.corsOrigin : [];
        if (origins !== undefined) await apps.setOrigins(id, origins);
        if (options.tilledSecretKeyStdin) await apps.setTilledSecretKey(id, await secretFromInput());
        if (options.deploymentTilledKey) await apps.setTilledSecretKey(id, null);
        process.stdout.write(`Updated app ${id}.\n`);
      }),
    );
}

/** What standard input holds, trimmed: secrets do not belong on command lines, which others can list. */
async function secretFromInput(): Promise<string> {
  return (await text(process.stdin)).trim();
}

/** The configured account, or that of the local sandbox. */
async function accountOf(config: Config): Promise<string> {
  const account = config.tilled?.accountId ?? (await readDemoEnvironment(config)).TILLED_ACCOUNT_ID;
  if (account === undefined) {
    throw InvalidInput.because(
      ['tilledAccount'],
      'Which Tilled account? Give --tilled-account, set TILLED_ACCOUNT_ID, or start the gateway once so that the local sandbox makes one.',
    );
  }
  return account;
}
