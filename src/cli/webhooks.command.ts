import { Command } from 'commander';
import type { Gateway } from '../compose.js';
import { InvalidInput } from '../platform/errors.js';
import { isLoopbackHost } from '../platform/loopback.js';
import { commandScope, commandScopes, say, type WithGateway } from './kit.js';

const HOUR_MS = 3_600_000;

/** billing webhooks: endpoints, secrets, and events that have to be handled again. */
export function webhooksCommand(withGateway: WithGateway): Command {
  const webhooks = new Command('webhooks').description("Tilled's events: where they are delivered, and handling them again.");
  webhooks
    .command('register')
    .description('Makes an endpoint at Tilled for the events this gateway handles, and keeps its secret.')
    .requiredOption('--app <id>', 'the app whose account it is for')
    .requiredOption('--url <url>', 'https://your-host/api/billing/webhooks/<app>')
    .action((options: { app: string; url: string }) =>
      withGateway(async (gateway) => {
        if (!isReachable(options.url))
          throw InvalidInput.because(['url'], '--url is not an https:// address: give https://your-host/api/billing/webhooks/<app>.');
        say(`Registered ${await gateway.webhooks.endpoints.register(await commandScope(gateway, options.app), options.url)}.`);
      }),
    );
  webhooks
    .command('rotate-secret')
    .description('Lets a new endpoint with a new secret take over; both are accepted during the overlap.')
    .requiredOption('--app <id>', 'the app')
    .option('--overlap-hours <hours>', 'how long the old secret is accepted', '24')
    .action((options: { app: string; overlapHours: string }) =>
      withGateway(async (gateway) => {
        const overlapMs = Math.trunc(Number(options.overlapHours) * HOUR_MS);
        if (!(overlapMs >= 0)) throw InvalidInput.because(['overlapHours'], '--overlap-hours is not a number of hours.');
        say(
          `Registered ${await gateway.webhooks.endpoints.rotate(await commandScope(gateway, options.app), overlapMs)}; the old one goes in ${options.overlapHours} h.`,
        );
      }),
    );
  addEndpoints(webhooks, withGateway);
  webhooks
    .command('replay')
    .description('Has stored events handled again: their objects are fetched from Tilled and recorded, which is always safe.')
    .option('--app <id>', 'only this app; all if absent')
    .option('--id <id...>', "events, by our id or Tilled's")
    .option('--since <time>', 'everything received since then (ISO 8601)')
    .option('--dead', 'everything that was given up')
    .action((options: ReplayOptions) => withGateway((gateway) => replay(gateway, options)));
  webhooks
    .command('backfill')
    .description('Records events that Tilled emitted and never delivered here.')
    .option('--app <id>', 'only this app; all if absent')
    .action((options: { app?: string }) => withGateway((gateway) => backfill(gateway, options.app)));
  return webhooks;
}

function addEndpoints(webhooks: Command, withGateway: WithGateway): void {
  webhooks
    .command('endpoints')
    .description("The endpoints of an app's account at Tilled: where they deliver, and for how many event types.")
    .requiredOption('--app <id>', 'the app')
    .action((options: { app: string }) =>
      withGateway(async (gateway) => {
        const endpoints = await gateway.webhooks.endpoints.list(await commandScope(gateway, options.app));
        for (const { id, url, enabled_events: types } of endpoints)
          say(`${id}\t${url}\t${types.includes('*') ? 'all' : types.length} types`);
      }),
    );
  webhooks
    .command('remove')
    .description(
      'Stops deliveries: removes an endpoint at Tilled. Nothing is lost: billing webhooks backfill records what was emitted meanwhile.',
    )
    .requiredOption('--app <id>', 'the app')
    .requiredOption('--endpoint <id>', 'we_…, as billing webhooks endpoints shows it')
    .action((options: { app: string; endpoint: string }) =>
      withGateway(async (gateway) => {
        await gateway.webhooks.endpoints.remove(await commandScope(gateway, options.app), options.endpoint);
        say(`Removed ${options.endpoint}.`);
      }),
    );
}

interface ReplayOptions {
  readonly app?: string;
  readonly id?: readonly string[];
  readonly since?: string;
  readonly dead?: true;
}

async function replay(gateway: Gateway, options: ReplayOptions): Promise<void> {
  if (!options.id && !options.since && !options.dead) throw InvalidInput.because([], 'Which events? Give --id, --since or --dead.');
  const since = options.since === undefined ? undefined : new Date(options.since);
  if (since !== undefined && Number.isNaN(since.getTime()))
    throw InvalidInput.because(['since'], '--since is not a time: give ISO 8601, such as 2026-03-01T12:00:00Z.');
  for (const scope of await commandScopes(gateway, options.app)) {
    const objects = await gateway.webhooks.service.replayAll(scope, { eventIds: options.id, since, isDead: options.dead });
    say(`${scope.appId}: ${objects} objects will be looked at again.`);
  }
}

async function backfill({ access, webhooks }: Gateway, appId: string | undefined): Promise<void> {
  const { recorded, failed } = await webhooks.backfill.runEach(await commandScopes({ access }, appId));
  for (const [id, count] of recorded) say(`${id}: ${count} missing events recorded.`);
  for (const { appId: id, reason } of failed) process.stderr.write(`${id}: ${reason}\n`);
  if (failed.length > 0) process.exitCode = 1;
}

/** Tilled signs what it sends, and only TLS hides it. On this machine, as in a rehearsal, nobody listens between. */
function isReachable(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, hostname } = new URL(given);
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
}
