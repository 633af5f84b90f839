import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, 'RESULTS.md');
const HEAD = `# What is left after the kills

Written by \`npm run chaos\` ([chaos.mjs](chaos.mjs)): its last full run on each kind of database, and with \`npm run chaos:galera\` on a cluster
whose nodes go and come back. What is counted after the rows of our books must all be 0: what is lost, doubled, wrong or unknown in our books beside Tilled's, and beside all that clients were ever told.
`;

/**
 * Puts what a run said in place of what the last one on this kind of database did.
 * @param {string} database
 * @param {readonly string[]} lines
 */
export function keepResult(database, lines) {
  const [, ...parts] = existsSync(FILE) ? readFileSync(FILE, 'utf8').split(/^## /m) : [''];
  const others = parts.filter((part) => !part.startsWith(`${database}\n`)).map((part) => `## ${part.trim()}\n`);
  const own = `## ${database}\n\n${lines.map(listed).join('\n').trimEnd()}\n`;
  writeFileSync(FILE, [HEAD, ...[own, ...others].sort()].join('\n'));
}

/** Rows of a table stay together, and away from what is around them. */
function listed(line, index, lines) {
  const isRow = (some) => some?.startsWith('|') === true;
  if (!isRow(line)) return `- ${line.trim()}`;
  return `${isRow(lines[index - 1]) ? '' : '\n'}${line}${isRow(lines[index + 1]) ? '' : '\n'}`;
}
