/**
 * `npm run check:audit`: known weaknesses of what the gateway runs on, of severity high or worse, fail it. A registry that
 * cannot tell (there are mirrors without audits, and machines without a network) does not: then it says NOT AUDITED, and
 * nothing may be concluded.
 */

import { spawnSync } from 'node:child_process';

const SERIOUS = ['high', 'critical'];
const WAIT_MS = 60_000;

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: WAIT_MS });
const report = reportIn(stdout ?? '');

if (report === null) {
  console.log('NOT AUDITED: the registry of this machine answers no audits. Run npm run check:audit where one does, such as in CI.');
} else {
  const found = Object.values(report).filter(({ severity }) => SERIOUS.includes(severity));
  for (const { name, severity, range } of found) console.log(`${severity}: ${name} ${range}`);
  console.log(found.length === 0 ? 'No known weakness of severity high or worse.' : 'See npm audit for what each is, and what heals it.');
  process.exitCode = found.length === 0 ? 0 : 1;
}

/** The weaknesses by package, or null where there was no audit. */
function reportIn(text) {
  try {
    return JSON.parse(text).vulnerabilities ?? null;
  } catch {
    return null;
  }
}
