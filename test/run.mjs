/**
 * Runs the tests on the embedded database and on a real MariaDB/MySQL:
 *
 *   npm test                                      all but the long ones
 *   npm run test:long                             the long ones (support/tiers.mjs lists them)
 *   npm run test:all                              both, one after the other, and the totals of both
 *   npm run test:fast                             those that see most, on the embedded database, in less than two minutes
 *   npm test -- test/features/refunds.test.ts     all further arguments go to jest (also: -t 'a name', --watch); a file named is run
 *   npm test -- --embedded-only                   without a database server, and so without the tests on it
 *   npm test -- --galera test/features/…          on a Galera cluster of three nodes, and on nothing else
 *
 * Tests that need a program which is missing here are left out, and named at the end (support/programs.mjs).
 * Some of them run on a cluster too in `npm run test:long` (support/tiers.mjs says which).
 * The server: TEST_DATABASE_URL if set, else a private one (support/database-server.mjs). Its last line is the totals.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interrupted, outliveSignals, run } from './support/children.mjs';
import { canMakeCluster, describeMissing, missingTests } from './support/programs.mjs';
import { nameTestFiles } from './support/tiers.mjs';
import { unreached } from './support/unreached.mjs';

const project = join(import.meta.dirname, '..');
/** Hundreds of processes of ours start in a run: what one has compiled the others find. */
const compileCache = join(project, 'node_modules/.cache/node');
/** Each test file loads everything anew: with more room for what is young, less of it is copied about. */
const youngMegabytes = 64;
const memory = '/dev/shm';
const memoryBytesMin = 4 * 1024 ** 3;
const oldestNode = [24, 9];

/** @typedef {import('./support/tiers.mjs').Tier} Tier */
/** @type {Record<string, Tier[]>} */
const tiersOf = { '--long': ['long'], '--fast': ['fast'], '--all': ['usual', 'long'] };

outliveSignals();
process.exitCode = isNodeNewEnough() ? await main(process.argv.slice(2)) : await runOnOurNode();

/** @param {string[]} args */
async function main(args) {
  const { tiers, isEmbeddedOnly, isClusterOnly, isWhole, jestArgs } = readArguments(args);
  const { CannotTest, openTestServer } = await import('./support/database-server.mjs');
  const { openTestCluster } = await import('./support/test-cluster.mjs');
  const runDirectory = mkdtempSync(join(temporaryPlace(), 'billing-test-'));
  const databasePrefix = `bg_test_${randomBytes(3).toString('hex')}_`;
  let [server, cluster] = [null, null];
  try {
    const building = build();
    server = isEmbeddedOnly || isClusterOnly ? null : await openTestServer(runDirectory, databasePrefix).finally(() => building);
    if (server) console.log(`Testing on the embedded database and on ${server.describedAs}.`);
    const buildStatus = await building;
    const env = { ...(server ? { BILLING_TEST_MYSQL_URL: server.url } : {}), BILLING_TEST_DATABASE_PREFIX: databasePrefix };
    const parts = [];
    for (const tier of tiers) {
      interrupted.throwIfAborted();
      if (isClusterOnly || (tier === 'long' && !isEmbeddedOnly && canMakeCluster())) cluster ??= await openTestCluster(runDirectory);
      parts.push(await test({ tier, isWhole, jestArgs, runDirectory, env: { ...env, ...cluster?.env } }));
    }
    report(parts, isEmbeddedOnly);
    return interrupted.reason ?? (parts.find(({ status }) => status !== 0)?.status || buildStatus);
  } catch (error) {
    if (interrupted.aborted) return interrupted.reason;
    if (!(error instanceof CannotTest)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await cluster?.close();
    await server?.close();
    rmSync(runDirectory, { recursive: true, force: true });
  }
}

/**
 * What to run, and what to tell jest.
 * @param {string[]} args
 * @returns {{ tiers: Tier[], isEmbeddedOnly: boolean, isClusterOnly: boolean, isWhole: boolean, jestArgs: string[] }} `isWhole`: all files and all tests of the tiers
 */
function readArguments(args) {
  const own = ['--', '--embedded-only', '--galera', ...Object.keys(tiersOf)];
  const forJest = args.filter((arg) => !own.includes(arg));
  const flag = args.find((arg) => arg in tiersOf);
  const isEmbeddedOnly = args.includes('--embedded-only') || flag === '--fast';
  const isClusterOnly = args.includes('--galera');
  const projects = isClusterOnly ? ['--selectProjects', 'galera'] : isEmbeddedOnly ? ['--ignoreProjects', 'mysql'] : [];
  return {
    tiers: nameTestFiles(forJest) ? ['named'] : isClusterOnly ? ['long'] : flag === undefined ? ['usual'] : tiersOf[flag],
    ...{ isEmbeddedOnly, isClusterOnly, isWhole: forJest.length === 0 },
    jestArgs: [...forJest, ...projects],
  };
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
 * Runs jest on one tier.
 * @param {{ tier: Tier, isWhole: boolean, jestArgs: string[], runDirectory: string, env: Record<string, string> }} what
 */
async function test({ tier, isWhole, jestArgs, runDirectory, env }) {
  const totalsFile = join(runDirectory, `totals-${tier}.json`);
  const reachedFile = join(runDirectory, 'reached.jsonl');
  const temporary = join(runDirectory, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const nodeArgs = [
    '--experimental-vm-modules',
    '--no-warnings',
    `--max-semi-space-size=${youngMegabytes}`,
    fileURLToPath(import.meta.resolve('jest/bin/jest')),
  ];
  const begunAt = performance.now();
  const status = await run(process.execPath, [...nodeArgs, ...jestArgs, ...(missingTests().length > 0 ? ['--passWithNoTests'] : [])], {
    cwd: project,
    env: {
      ...process.env,
      ...env,
      TMPDIR: temporary,
      NODE_COMPILE_CACHE: compileCache,
      BILLING_TEST_TOTALS: totalsFile,
      BILLING_TEST_TIER: tier,
      BILLING_TEST_REACHED: reachedFile,
    },
  });
  const totals = existsSync(totalsFile) ? JSON.parse(readFileSync(totalsFile, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  if (status !== 0 && totals.failed === 0) {
    console.log(`Jest ended with status ${status} although no test failed; counted below as one failure.`);
    totals.failed = 1;
  }
  const missed = tier === 'long' && env.BILLING_TEST_GALERA_URL && isWhole ? unreached(reachedFile) : [];
  for (const sentence of missed) console.log(sentence);
  totals.failed += missed.length;
  return { tier, status: status || (missed.length > 0 ? 1 : 0), totals, seconds: Math.round((performance.now() - begunAt) / 1_000) };
}

/**
 * Prints what was left out, the totals of each tier if there are several, and last the totals of all.
 * @param {Awaited<ReturnType<typeof test>>[]} parts
 * @param {boolean} isEmbeddedOnly
 */
function report(parts, isEmbeddedOnly) {
  if (isEmbeddedOnly) console.log('Left out without a server: the same tests on MariaDB/MySQL.');
  for (const line of describeMissing()) console.log(line);
  if (parts.length > 1)
    for (const { tier, totals, seconds } of parts) console.log(`Of the ${tier} tests, in ${seconds} s: ${inWords(totals)}`);
  const sum = (key) => parts.reduce((total, { totals }) => total + totals[key], 0);
  console.log(`\n${inWords({ passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') })}`);
}

function inWords({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
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
