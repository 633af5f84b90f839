/**
 * `npm run check:audit`: known weaknesses of what the gateway runs on, of severity high or worse, fail it. Where the registry
 * cannot tell (there are mirrors without audits, and machines without a network) the stored snapshot answers, as of its
 * date and for the packages it was made of; what it does not cover is said. `--keep` stores a snapshot where a registry
 * answers.
 *
 * A release (`--release`, or BILLING_RELEASE=1) fails unless everything was looked at: by the registry now, or by a
 * snapshot of the last seven days that covers every package.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const SERIOUS = ['high', 'critical'];
const WAIT_MS = 60_000;
const FRESH_MS = 7 * 86_400_000;

const { values } = parseArgs({
  options: { keep: { type: 'boolean' }, release: { type: 'boolean' }, snapshot: { type: 'string', default: 'ops/advisories.json' } },
});
const isRelease = values.release === true || process.env.BILLING_RELEASE === '1';
const packages = installed(JSON.parse(readFileSync('package-lock.json', 'utf8')));
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: WAIT_MS });
const weaknesses = weaknessesIn(stdout ?? '');
const snapshot = weaknesses === null ? kept() : { takenAt: new Date().toISOString(), packages, weaknesses };

if (weaknesses !== null && values.keep) writeFileSync(values.snapshot, `${JSON.stringify(snapshot, null, 2)}\n`);
const uncovered = snapshot === null ? packages : packages.filter((one) => !snapshot.packages.includes(one));
const isFresh = snapshot !== null && Date.now() - Date.parse(snapshot.takenAt) <= FRESH_MS;
const isWhole = isFresh && uncovered.length === 0;
tell();
process.exitCode = (snapshot?.weaknesses.length ?? 0) > 0 || (isRelease && !isWhole) ? 1 : 0;

function tell() {
  if (weaknesses === null) console.log('The registry of this machine answers no audits.');
  if (snapshot === null)
    console.log('NOT AUDITED: there is no snapshot either. Run npm run check:audit -- --keep where a registry answers.');
  else if (weaknesses === null) console.log(`As of ${snapshot.takenAt}, when the snapshot was taken:`);
  for (const { name, severity, range } of snapshot?.weaknesses ?? []) console.log(`${severity}: ${name} ${range}`);
  if (snapshot?.weaknesses.length === 0) console.log('No known weakness of severity high or worse.');
  if (snapshot !== null && uncovered.length > 0) console.log(`NOT AUDITED since they changed: ${uncovered.join(', ')}`);
  if (isRelease && !isWhole) console.log('A release needs an audit of the last seven days that covers every package.');
}

/** What runs in production, as `name@version`, sorted. */
function installed(lock) {
  const found = Object.entries(lock.packages).filter(
    ([path, { dev, link }]) => path.startsWith('node_modules/') && dev !== true && link !== true,
  );
  return [...new Set(found.map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`))].sort();
}

/** The serious weaknesses, or null where there was no audit. */
function weaknessesIn(text) {
  try {
    const { vulnerabilities } = JSON.parse(text);
    if (vulnerabilities === undefined) return null;
    const serious = Object.values(vulnerabilities).filter(({ severity }) => SERIOUS.includes(severity));
    return serious.map(({ name, severity, range }) => ({ name, severity, range }));
  } catch {
    return null;
  }
}

function kept() {
  return existsSync(values.snapshot) ? JSON.parse(readFileSync(values.snapshot, 'utf8')) : null;
}
