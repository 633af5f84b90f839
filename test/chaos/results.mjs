import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, 'RESULTS.md');
const HEAD = `# What is left after the kills

Written by \`npm run chaos\` ([chaos.mjs](chaos.mjs)): its last full run on each kind of database. In the last line of figures all must be 0:
what is lost, doubled, wrong or unknown in our books beside Tilled's, and beside all that clients were ever told.
`;

/**
 * Puts what a run said in place of what the last one on this kind of database did.
 * @param {string} database
 * @param {readonly string[]} lines
 */
export function keepResult(database, lines) {
  const [, ...parts] = existsSync(FILE) ? readFileSync(FILE, 'utf8').split(/^## /m) : [''];
  const others = parts.filter((part) => !part.startsWith(`${database}\n`)).map((part) => `## ${part.trim()}\n`);
  const own = `## ${database}\n\n${lines.map((line) => `- ${line.trim()}`).join('\n')}\n`;
  writeFileSync(FILE, [HEAD, ...[own, ...others].sort()].join('\n'));
}
