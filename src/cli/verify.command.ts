import { Command } from 'commander';
import type { Foundation } from '../compose.js';
import { jsonOption, type WithFoundation } from './kit.js';

/** billing verify: whether the books hold what they must. */
export function verifyCommand(withFoundation: WithFoundation): Command {
  return new Command('verify')
    .description('Checks the invariants of every app: status 0 if all hold, 1 with the rows that break one.')
    .addOption(jsonOption())
    .action((options: { json?: true }) => withFoundation((foundation) => verify(foundation, options.json === true)));
}

async function verify({ verifyBooks }: Foundation, isJson: boolean): Promise<void> {
  const { checked, violations } = await verifyBooks();
  if (isJson) process.stdout.write(`${JSON.stringify({ checked, violations })}\n`);
  else for (const { appId, id, sentence } of violations) process.stdout.write(`${appId}\t${id}\t${sentence}\n`);
  if (!isJson && violations.length === 0) process.stdout.write(`All ${checked} invariants hold.\n`);
  if (violations.length > 0) process.exitCode = 1;
}
