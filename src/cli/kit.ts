import { mkdir, readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import type { Foundation, Gateway } from '../compose.js';
import { type Config, ConfigError, readConfig, type TilledConfig } from '../config.js';
import { encryptionOf, readDemoEnvironment, settingsOf } from '../demo.js';
import { systemClock } from '../platform/clock.js';
import { prepareDatabase } from '../platform/db/prepare.js';
import { orInterrupted } from '../platform/ending.js';
import { Conflict, InvalidInput, NotFound } from '../platform/errors.js';
import { createLog } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';

/** Opens the database the environment names for one command, and closes it after. */
export type WithFoundation = (
  work: (foundation: Foundation, config: Config) => Promise<void>,
  how?: { readonly isUnprepared: boolean },
) => Promise<void>;

/** The real one: reads the environment, and makes sure of the schema unless the command is about that. */
export const withFoundation: WithFoundation = async (work, how = { isUnprepared: false }) => {
  const config = readConfig(process.env, process.cwd());
  if (config.database.kind === 'embedded') await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const { composeFoundation } = await import('../compose.foundation.js');
  const foundation = await composeFoundation({
    database: config.database,
    encryption: await encryptionOf(config),
    clock: systemClock,
    log: createLog('silent'),
  });
  try {
    if (!how.isUnprepared) await prepareDatabase(foundation.database, foundation.migrator);
    await work(foundation, config);
  } finally {
    await foundation.database.close();
  }
};

/** Makes the whole gateway for one command, and closes it after. */
export type WithGateway = (
  work: (gateway: Gateway, config: Config) => Promise<void>,
  how?: { readonly isLoud?: boolean; readonly isUnprepared?: boolean; readonly howToGoOn?: string },
) => Promise<void>;

/**
 * The real one: talks to the configured Tilled account, or to the local sandbox of a gateway that runs on the embedded
 * default.
 */
export const withGateway: WithGateway = async (work, how = {}) => {
  const config = readConfig(process.env, process.cwd());
  const tilled = await tilledOf(config);
  const log = createLog(how.isLoud ? config.logLevel : 'silent', config.logFiles && { ...config.logFiles, name: 'worker' });
  const { composeGateway } = await import('../compose.js');
  const gateway = await composeGateway({ ...(await settingsOf(config)), clock: systemClock, log, tilled });
  try {
    if (!how.isUnprepared) await prepareDatabase(gateway.database, gateway.migrator);
    if (!how.isUnprepared) await gateway.secrets.prepare();
    const done = work(gateway, config);
    // What serves and is loud ends as it sees fit.
    await (how.isLoud ? done : orInterrupted(how.howToGoOn ?? 'It may be run again.', done));
  } finally {
    await gateway.leases.giveBack();
    gateway.clocks.stop();
    await gateway.database.close();
    await log.close();
  }
};

/** The account that is configured, or that of the local sandbox. Throws ConfigError where there is neither. */
export async function tilledOf(config: Config): Promise<TilledConfig> {
  return config.tilled ?? localTilled(config);
}

/** The account of the local sandbox. Throws ConfigError where none was ever started. */
export async function localTilled(config: Config): Promise<TilledConfig> {
  const known = await readDemoEnvironment(config);
  const { TILLED_BASE_URL, TILLED_SECRET_KEY, TILLED_PUBLIC_KEY, TILLED_WEBHOOK_SECRET, TILLED_ACCOUNT_ID } = known;
  if (!TILLED_BASE_URL || !TILLED_SECRET_KEY || !TILLED_PUBLIC_KEY || !TILLED_WEBHOOK_SECRET || !TILLED_ACCOUNT_ID) {
    throw new ConfigError([
      'No Tilled account is configured and no local sandbox was started yet: set the TILLED_ variables, or run npm start.',
    ]);
  }
  return {
    baseUrl: TILLED_BASE_URL,
    secretKey: TILLED_SECRET_KEY,
    publicKey: TILLED_PUBLIC_KEY,
    webhookSecret: TILLED_WEBHOOK_SECRET,
    accountId: TILLED_ACCOUNT_ID,
  };
}

/** `--json` for commands whose answer programs read. */
export function jsonOption(): Option {
  return new Option('--json', 'print the answer as JSON');
}

const REQUESTS_MAX = 1_000_000_000;

/** `--requests-per-window` of the commands that set a limit; `default` takes the limit away. */
export function requestsOption(flag = '--requests-per-window', whose = ''): Option {
  return new Option(`${flag} <n>`, `requests in 15 minutes${whose}, or "default"`).argParser((text: string) => {
    if (text === 'default') return null;
    const requests = Number(text);
    if (Number.isInteger(requests) && requests >= 1 && requests <= REQUESTS_MAX) return requests;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${REQUESTS_MAX}, or "default".`);
  });
}

/** What a limit that was set means. */
export function limitInWords(requestsPerWindow: number | null): string {
  return requestsPerWindow === null ? 'no limit of its own' : `${requestsPerWindow} requests in 15 minutes`;
}

/** The scope in which a command acts for an app; throws NotFound. */
export async function commandScope({ access }: Pick<Foundation, 'access'>, appId: string): Promise<Scope> {
  const scope = await access.scopeOf(appId, { kind: 'command' }, { requestId: 'command' });
  if (scope === null) throw new NotFound('app', appId, ['app']);
  const { removedAt } = scope.caller.app;
  if (removedAt !== null) throw new Conflict(`The app ${appId} was removed at ${removedAt.toISOString()}.`);
  return scope;
}

/** The scopes in which a command acts for one app, or for all; throws NotFound. */
export async function commandScopes(of: Pick<Foundation, 'access'>, appId: string | undefined): Promise<Scope[]> {
  const appIds = appId === undefined ? (await of.access.listApps()).map((app) => app.id) : [appId];
  return Promise.all(appIds.map((id) => commandScope(of, id)));
}

/** Each text as a line. */
export function linesOf(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Prints a line of an answer. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The text of a file that was named on the command line. Throws InvalidInput where it cannot be read. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw InvalidInput.because(['file'], code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read: ${message}`);
  }
}
