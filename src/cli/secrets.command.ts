import { Command } from 'commander';
import type { Foundation } from '../compose.js';
import { jsonOption, type WithFoundation } from './kit.js';

/** billing secrets: what is sealed in the database. */
export function secretsCommand(withFoundation: WithFoundation): Command {
  const secrets = new Command('secrets').description('What BILLING_ENCRYPTION_KEY seals in the database.');
  secrets
    .command('rotate')
    .description('Seals with BILLING_ENCRYPTION_KEY what BILLING_ENCRYPTION_KEY_PREVIOUS sealed: status 0 if nothing is left of that.')
    .addOption(jsonOption())
    .action((options: { json?: true }) => withFoundation((foundation) => rotate(foundation, options.json === true)));
  return secrets;
}

async function rotate({ secrets }: Foundation, isJson: boolean): Promise<void> {
  const { resealed, unreadable, staleKeys } = await secrets.rotate();
  const lines = [
    `Sealed ${resealed} secrets again.`,
    ...unreadable.map((place) => `No configured key opens ${place}.`),
    ...(staleKeys === 0
      ? []
      : [
          `${staleKeys} API keys are still known by the previous key only. Each is brought over when it is next used; one that is not must be made anew once BILLING_ENCRYPTION_KEY_PREVIOUS is gone.`,
        ]),
  ];
  process.stdout.write(isJson ? `${JSON.stringify({ resealed, unreadable, staleKeys })}\n` : `${lines.join('\n')}\n`);
  if (unreadable.length > 0) process.exitCode = 1;
}
