import { Command, Option } from 'commander';
import type { ApiKey, KeyRole } from '../access/api-key.entity.js';
import { jsonOption, limitInWords, requestsOption, type WithFoundation } from './kit.js';

const ROLES: Readonly<Record<string, KeyRole>> = { service: 'service', 'read-only': 'read_only', operator: 'operator' };
const HOUR_MS = 3_600_000;

interface CreateOptions {
  readonly app: string;
  readonly role: string;
  readonly scope?: readonly string[];
  readonly expiresInDays?: string;
  readonly json?: true;
}

/** billing keys: the credentials of apps. */
export function keysCommand(withFoundation: WithFoundation): Command {
  const keys = new Command('keys').description('The API keys of an app.');
  keys.addCommand(createCommand(withFoundation));
  keys
    .command('list')
    .description('All keys, oldest first: what they may do, when they end, when they were used last. Never what opens them.')
    .option('--app <id>', 'of this app only')
    .addOption(jsonOption())
    .action((options: { app?: string; json?: true }) =>
      withFoundation(async ({ access }) => {
        const shown = (await access.keys.list(options.app ?? null)).map(shownKey);
        const lines = shown.map((key) => `${Object.values(key).map(cell).join('\t')}\n`);
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : lines.join(''));
      }),
    );
  keys
    .command('rotate')
    .description('Makes a key that takes over from another and prints it once; both open during the overlap.')
    .requiredOption('--id <key>', 'key_…, as keys list shows it')
    .option('--overlap-hours <hours>', 'how long the old key still opens', '24')
    .addOption(jsonOption())
    .action((options: { id: string; overlapHours: string; json?: true }) =>
      withFoundation(async ({ access }) => {
        const { id, key } = await access.rotateKey(options.id, Math.trunc(Number(options.overlapHours) * HOUR_MS));
        process.stdout.write(options.json ? `${JSON.stringify({ id, key, replaces: options.id })}\n` : `${key}\n`);
      }),
    );
  keys
    .command('revoke')
    .description('Lets a key open nothing any more; every process knows within five seconds.')
    .requiredOption('--id <key>', 'key_…, as keys list shows it')
    .action((options: { id: string }) =>
      withFoundation(async ({ access }) => {
        await access.revokeKey(options.id);
        process.stdout.write(`Revoked ${options.id}.\n`);
      }),
    );
  keys.addCommand(limitCommand(withFoundation));
  return keys;
}

function limitCommand(withFoundation: WithFoundation): Command {
  return new Command('limit')
    .description("Sets how many of its app's requests one key may make in 15 minutes.")
    .requiredOption('--app <id>', 'the app of the key')
    .requiredOption('--key <id>', 'the key: key_…')
    .addOption(requestsOption().makeOptionMandatory())
    .action((options: { app: string; key: string; requestsPerWindow: number | null }) =>
      withFoundation(async ({ limitService }) => {
        await limitService.limitKey(options.app, options.key, options.requestsPerWindow);
        process.stdout.write(`Key ${options.key}: ${limitInWords(options.requestsPerWindow)}.\n`);
      }),
    );
}

function createCommand(withFoundation: WithFoundation): Command {
  return new Command('create')
    .description('Makes a key and prints it once; it cannot be read again.')
    .requiredOption('--app <id>', 'the app it opens')
    .addOption(new Option('--role <role>', 'what it may do').choices(Object.keys(ROLES)).default('service'))
    .option('--scope <scope...>', 'confines it to these, such as customers:read payments:write; all of its role if absent')
    .option('--expires-in-days <days>', 'until when it opens; for ever if absent')
    .addOption(jsonOption())
    .action((options: CreateOptions) =>
      withFoundation(async ({ access }) => {
        const { app, role, scope: scopes } = options;
        const expiresInDays = options.expiresInDays === undefined ? undefined : Number(options.expiresInDays);
        const { id, key } = await access.createKey(app, ROLES[role] ?? 'read_only', { scopes, expiresInDays });
        const more = { ...(scopes ? { scopes } : {}), ...(expiresInDays ? { expiresInDays } : {}) };
        process.stdout.write(options.json ? `${JSON.stringify({ id, key, app, role, ...more })}\n` : `${key}\n`);
      }),
    );
}

function shownKey({ id, appId, role, hint, scopes, createdAt, expiresAt, lastUsedAt, replacedBy, revokedAt }: ApiKey) {
  return { id, app: appId, role, hint, scopes, createdAt, expiresAt, lastUsedAt, replacedBy, revokedAt };
}

function cell(value: Date | string | readonly string[] | null): string {
  if (value === null) return '-';
  return value instanceof Date ? value.toISOString() : String(value);
}
