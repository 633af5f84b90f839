import { Command, Option } from 'commander';
import type { KeyRole } from '../billing/access/api-key.entity.js';
import { jsonOption, limitInWords, requestsOption, type WithFoundation } from './kit.js';

const ROLES: Readonly<Record<string, KeyRole>> = { service: 'service', 'read-only': 'read_only', operator: 'operator' };

/** billing keys: the credentials of apps. */
export function keysCommand(withFoundation: WithFoundation): Command {
  const keys = new Command('keys').description('The API keys of an app.');
  keys
    .command('create')
    .description('Makes a key and prints it once; it cannot be read again.')
    .requiredOption('--app <id>', 'the app it opens')
    .addOption(new Option('--role <role>', 'what it may do').choices(Object.keys(ROLES)).default('service'))
    .addOption(jsonOption())
    .action((options: { app: string; role: string; json?: true }) =>
      withFoundation(async ({ access }) => {
        const { id, key } = await access.createKey(options.app, ROLES[options.role] ?? 'read_only');
        process.stdout.write(options.json ? `${JSON.stringify({ id, key, app: options.app, role: options.role })}\n` : `${key}\n`);
      }),
    );
  keys
    .command('limit')
    .description("Sets how many of its app's requests one key may make in 15 minutes.")
    .requiredOption('--app <id>', 'the app of the key')
    .requiredOption('--key <id>', 'the key: key_…')
    .addOption(requestsOption())
    .action((options: { app: string; key: string; requestsPerWindow: number | null }) =>
      withFoundation(async ({ limitService }) => {
        await limitService.limitKey(options.app, options.key, options.requestsPerWindow);
        process.stdout.write(`Key ${options.key}: ${limitInWords(options.requestsPerWindow)}.\n`);
      }),
    );
  return keys;
}
