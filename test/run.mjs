/**
 * `npm test`: every test on the embedded database and on a real MariaDB/MySQL, in one jest run.
 *
 *   npm test                                      everything
 *   npm test -- test/features/refunds.test.ts     all further arguments go to jest (also: -t 'a name', --watch)
 *   npm test -- --embedded-only                   without a database server, and so without the tests on it
 *
 * Tests that need a program which is missing here are left out, and named at the end (support/programs.mjs).
 * The server: TEST_DATABASE_URL if set, else a private one (support/database-server.mjs). Its last line is the totals.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interrupted, outliveSignals, run } from './support/children.mjs';
import { describeMissing, missingPrograms } from './support/programs.mjs';

const project = join(import.meta.dirname, '..');
/** Hundreds of processes of ours start in a run: what one has compiled the others find. */
const compileCache = join(project, 'node_modules/.cache/node');
/** Each test file loads everything anew: with more room for what is young, less of it is copied about. */
const youngMegabytes = 64;
const memory = '/dev/shm';
const memoryBytesMin = 4 * 1024 ** 3;
const oldestNode = [24, 9];

outliveSignals();
process.exitCode = isNodeNewEnough() ? await main(process.argv.slice(2)) : await runOnOurNode();

/** @param {string[]} args */
async function main(args) {
  const isEmbeddedOnly = args.includes('--embedded-only');
  const jestArgs = args.filter((arg) => arg !== '--embedded-only');
  const { CannotTest, openTestServer } = await import('./support/database-server.mjs');
  const runDirectory = mkdtempSync(join(temporaryPlace(), 'billing-test-'));
  const databasePrefix = `bg_test_${randomBytes(3).toString('hex')}_`;
  let server = null;
  try {
    const building = build();
    server = isEmbeddedOnly ? null : await openTestServer(runDirectory, databasePrefix).finally(() => building);
    if (server) console.log(`Testing on the embedded database and on ${server.describedAs}.`);
    const buildStatus = await building;
    interrupted.throwIfAborted();
    const status = await test(isEmbeddedOnly ? [...jestArgs, '--ignoreProjects', 'mysql'] : jestArgs, runDirectory, {
      ...(server ? { BILLING_TEST_MYSQL_URL: server.url } : {}),
      BILLING_TEST_DATABASE_PREFIX: databasePrefix,
    });
    if (isEmbeddedOnly) console.log('Left out by --embedded-only: the same tests on MariaDB/MySQL.');
    return interrupted.reason ?? (status || buildStatus);
  } catch (error) {
    if (interrupted.aborted) return interrupted.reason;
    if (!(error instanceof CannotTest)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await server?.close();
    rmSync(runDirectory, { recursive: true, force: true });
  }
}

/** Memory, where the system lends enough of it: no test is about a disk, and commits wait for one. A TMPDIR given is obeyed. */
function temporaryPlace() {
  if (process.env.TMPDIR || !existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize < memoryBytesMin ? tmpdir() : memory;
}

/** Builds dist/, which tests of the command line and of whole processes start. Wrong types do not keep the tests from running. */
async function build() {
  const status = await run('npm', ['run', '-s', 'build'], { cwd: project });
  if (status !== 0) console.error('The build failed (see above): the tests run all the same, but this run will end with a failure.');
  return status;
}

/**
 * Runs jest and prints the totals. Resolves to an exit code, 0 only if all is well.
 * @param {string[]} jestArgs
 * @param {string} runDirectory
 * @param {Record<string, string>} server
 */
async function test(jestArgs, runDirectory, server) {
  const totalsFile = join(runDirectory, 'totals.json');
  const temporary = join(runDirectory, 'tmp');
  mkdirSync(temporary);
  const nodeArgs = [
    '--experimental-vm-modules',
    '--no-warnings',
    `--max-semi-space-size=${youngMegabytes}`,
    fileURLToPath(import.meta.resolve('jest/bin/jest')),
  ];
  const status = await run(process.execPath, [...nodeArgs, ...jestArgs, ...leavingOut()], {
    cwd: project,
    env: { ...process.env, ...server, TMPDIR: temporary, NODE_COMPILE_CACHE: compileCache, BILLING_TEST_TOTALS: totalsFile },
  });

  const totals = existsSync(totalsFile) ? JSON.parse(readFileSync(totalsFile, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  if (status !== 0 && totals.failed === 0) {
    console.log(`Jest ended with status ${status} although no test failed; counted below as one failure.`);
    totals.failed = 1;
  }
  for (const line of describeMissing()) console.log(line);
  console.log(`\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
  return status;
}

/** Keeps jest from the tests whose programs are missing. */
function leavingOut() {
  const files = new Set(missingPrograms().flatMap(({ tests }) => tests));
  return files.size === 0 ? [] : ['--passWithNoTests', '--testPathIgnorePatterns', '/node_modules/', ...files];
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** A plain `node test/run.mjs` may be an older Node than the one `npm ci` brought. */
async function runOnOurNode() {
  const ours = join(project, 'node_modules/.bin/node');
  if (!existsSync(ours) || process.env.BILLING_TEST_RESTARTED) {
    console.error(
      `The tests need Node ${oldestNode.join('.')} or newer, and this is ${process.versions.node}: run \`npm ci\`, which brings one.`,
    );
    return 1;
  }
  return run(ours, [import.meta.filename, ...process.argv.slice(2)], { env: { ...process.env, BILLING_TEST_RESTARTED: '1' } });
}
