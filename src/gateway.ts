import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { composeGateway, type Gateway } from './compose.js';
import { composeLimits } from './compose.limits.js';
import { type Config, ConfigError, readConfig } from './config.js';
import { stopMsMax, workMsMax } from './config.stopping.js';
import { type DemoEnvironment, ensureDemoApp, type LocalTilled, settingsOf, startLocalTilled } from './demo.js';
import { createHttpServer } from './http/server.js';
import { systemClock } from './platform/clock.js';
import { isPassing, outageInWords } from './platform/db/outage.js';
import { DatabaseUnusable, MAY_COME_BACK, prepareDatabase } from './platform/db/prepare.js';
import { withDeadline } from './platform/deadline.js';
import { askedToEnd, CUT_OFF, endWithin, endWork } from './platform/ending.js';
import { createLog, errorFields, type Log, type ProcessLog } from './platform/log.js';
import { VERSION } from './platform/version.js';

/** How long after its start a gateway gives back what only the start needed, ms. */
const SETTLED_MS = 500;
/** How long the log may take for its last lines, ms. */
const LAST_LINES_MS = 1_000;

/** Starts the gateway, and the local sandbox where no Tilled account is configured; resolves to how to stop them. */
async function start(config: Config, log: Log): Promise<() => Promise<void>> {
  // Known before listening, because the sandbox is told where to deliver.
  const port = config.port === 0 ? await freePort(config.host) : config.port;
  const gatewayUrl = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${port}`;
  if (config.database.kind === 'embedded') await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const local = config.tilled === null ? await startLocalTilled(config, gatewayUrl, log) : null;
  const tilled = config.tilled ?? local?.tilled;
  if (tilled === undefined) throw new Error('There is neither a Tilled account nor a sandbox.');
  const around = { clock: systemClock, businessClock: local?.sandbox ?? systemClock, publicUrl: config.publicUrl ?? (local && gatewayUrl) };
  const gateway = await composeGateway({ ...(await settingsOf(config)), ...around, replicas: config.replicas, log, tilled });
  for (const reason of config.warnings) log.warn('a setting is not as it should be', { reason });
  for (const reason of await prepareDatabase(gateway.database, gateway.migrator))
    log.warn('the database server is set up badly', { reason });
  await gateway.secrets.prepare();
  await startWatching(gateway);
  const demo = local === null ? null : await ensureDemoApp(config, gateway.access, gatewayUrl, tilled);
  const limits = composeLimits({ ...gateway, clock: systemClock }, config.limits);
  const server = await createHttpServer({
    ...gateway,
    metricsAccess: config.metricsAccess,
    sessionDocuments: config.sessionDocuments,
    limits,
    trustedProxies: config.trustedProxies,
    requestMsMax: workMsMax(config.tilledTimeoutMs),
    drainMs: config.drainMs,
    graphqlBodyBytesMax: config.limits.graphqlBodyBytesMax,
    connectionsMax: config.limits.connectionsMax,
    explorer: demo === null ? null : { credential: demo.BILLING_SERVICE_KEY },
  });
  await server.listen({ host: config.host, port });
  if (config.runsWorker) await gateway.startWork();
  log.info('gateway started', {
    version: VERSION,
    url: gatewayUrl,
    database: config.database.kind,
    sandbox: local !== null,
    worker: config.runsWorker,
  });
  if (demo !== null && local !== null) process.stdout.write(banner(config, demo, local));
  return async () => {
    const closed = server.close();
    await endWork(gateway, closed, config.drainMs + workMsMax(config.tilledTimeoutMs));
    server.server.closeAllConnections();
    await closed;
    limits.close();
    await endWatching(gateway);
    await local?.sandbox.close();
    await gateway.database.close();
  };
}

/** From now on the process knows how its clock and its replicas are. */
async function startWatching({ clocks, replicas }: Gateway): Promise<void> {
  await clocks.start();
  replicas?.start();
}

async function endWatching({ clocks, replicas }: Gateway): Promise<void> {
  clocks.stop();
  await replicas?.stop();
}

/** Sends traces if that is asked for; what that needs is not even loaded otherwise. Resolves to how to stop. */
async function traced({ tracing }: Config, log: Log): Promise<() => Promise<void>> {
  if (tracing === null) return async () => undefined;
  const { startTracing } = await import('./platform/tracing.js');
  return startTracing({ tracing, service: 'billing-gateway', log });
}

/** A port that nobody listens on now. */
async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function banner(config: Config, demo: DemoEnvironment, local: LocalTilled): string {
  const query = '{"query":"{ app { id name } customers(first: 5) { nodes { id email } } }"}';
  return `
billing-gateway is running on the embedded default: nothing here touches real money.

  GraphQL        ${demo.BILLING_URL}/graphql   (open it in a browser for the explorer)
  Webhooks       ${demo.BILLING_URL}/api/billing/webhooks
  Tilled sandbox ${local.sandbox.url}
  Data           ${config.dataDir}
  Credentials    ${config.dataDir}/demo.env

  . '${config.dataDir}/demo.env'
  curl -s ${demo.BILLING_URL}/graphql -H 'content-type: application/json' \\
    -H "authorization: Bearer $BILLING_SERVICE_KEY" \\
    -d '${query}'

`;
}

/** Ends the process once it is asked to: what is in hand is finished, then the status is 0. */
async function drainWhen(asked: Promise<NodeJS.Signals>, stop: () => Promise<void>, log: ProcessLog): Promise<void> {
  const signal = await asked;
  log.info('gateway draining', { signal });
  const since = performance.now();
  const status = await stop().then(
    () => {
      log.info('gateway stopped', { signal, tookMs: Math.trunc(performance.now() - since) });
      return 0;
    },
    (error: unknown) => {
      log.error('gateway did not stop cleanly', errorFields(error));
      return 1;
    },
  );
  await withDeadline(LAST_LINES_MS, log.flush()).catch(() => undefined);
  process.exit(status);
}

async function serve(): Promise<void> {
  const config = readConfig(process.env, process.cwd());
  const log = createLog(config.logLevel, config.logFiles && { ...config.logFiles, name: 'gateway' });
  let isUp = false;
  // Listened for before anybody is told that we run. Until then there is nothing to finish.
  const asked = askedToEnd();
  void asked.then(() => isUp || process.exit(CUT_OFF));
  const stopTracing = await traced(config, log);
  const stop = await start(config, log);
  isUp = true;
  const end = () => {
    endWithin(stopMsMax(config), log);
    return stop().finally(stopTracing);
  };
  void drainWhen(asked, end, log);
  setTimeout(giveBackMemory, SETTLED_MS).unref();
}

/**
 * A third of the memory is garbage of the start by now, and V8 would keep it for as long as there is little to do. A
 * collection that gives all of it back stops the process once, for some 0.1 s. Without --expose-gc nothing happens.
 */
function giveBackMemory(): void {
  void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** What the operator reads, and the exit status; an expected failure is a sentence, any other keeps its stack. */
function lastWords(error: unknown): { readonly text: string; readonly status: number } {
  if (error instanceof ConfigError || error instanceof DatabaseUnusable) return { text: error.message, status: error.exitCode };
  if (isPassing(error)) return { text: outageInWords(error), status: MAY_COME_BACK };
  const { code, port } = error as { code?: string; port?: number };
  if (code === 'EADDRINUSE')
    return { text: `Port ${port} is taken: another gateway may be running. Set PORT or TILLED_SANDBOX_PORT.`, status: 69 };
  return { text: (error as Error).stack ?? String(error), status: 1 };
}

/** Serves until the process is asked to end. What keeps it from starting is told, with an exit status of its kind. */
export async function runGateway(): Promise<void> {
  try {
    await serve();
  } catch (error) {
    const { text, status } = lastWords(error);
    process.stderr.write(`${text}\n`);
    process.exit(status);
  }
}
