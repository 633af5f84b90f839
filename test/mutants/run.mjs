/**
 * `npm run mutants`: plants one fault at a time into a copy of the tree and runs the tests that must see it (mutants.mjs). Prints a table,
 * and writes it to RESULTS.md when all were planted. Status 1 if one survives, or if a test fails without any.
 *
 *   npm run mutants -- 'quiet time'    only those with this in their name
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interrupted, outliveSignals, run } from '../support/children.mjs';
import { openTestServer } from '../support/database-server.mjs';
import { MUTANTS } from './mutants.mjs';

const PROJECT = join(import.meta.dirname, '..', '..');
const RESULTS = join(import.meta.dirname, 'RESULTS.md');
const JEST = fileURLToPath(import.meta.resolve('jest/bin/jest'));
const MODEL_SEED = '2';
const DATABASE_PREFIX = 'bg_test_mutant_';

/** @typedef {import('./mutants.mjs').Check} Check */
/** @typedef {{ outcome: 'passed' | 'failed' | 'broken', failed: string | null, runs: number, seconds: number }} Verdict `runs`: after how many it failed */

outliveSignals();
process.exitCode = await main(process.argv[2] ?? '');

/** @param {string} wanted */
async function main(wanted) {
  const directory = mkdtempSync(join(tmpdir(), 'billing-mutants-'));
  const plan = MUTANTS.filter(({ name }) => name.includes(wanted)).flatMap((mutant) => mutant.checks.map((check) => ({ mutant, check })));
  const isServerNeeded = plan.some(({ check }) => check.project === 'mysql');
  const server = isServerNeeded ? await openTestServer(mkdtempSync(join(directory, 'server-')), DATABASE_PREFIX) : null;
  try {
    const tree = copyOfTree(directory);
    const rows = [];
    const sound = new Map();
    for (const { mutant, check } of plan) {
      // A test that fails anyway shows nothing.
      if (!sound.has(check.file)) sound.set(check.file, await verdictOf({ tree, check: allOf(check, plan), server: server?.url }));
      const undo = plant(tree, mutant);
      const verdict = await verdictOf({ tree, check, server: server?.url });
      undo();
      interrupted.throwIfAborted();
      rows.push({ mutant, check, verdict, end: endOf(sound.get(check.file), verdict) });
      console.log(rowOf(rows.at(-1)));
    }
    if (wanted === '') writeFileSync(RESULTS, resultsOf(rows));
    return rows.length > 0 && rows.every(({ end }) => end === 'caught') ? 0 : 1;
  } finally {
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All tests of the file of a check that are to see something. */
function allOf(check, plan) {
  const names = plan.filter((other) => other.check.file === check.file).map((other) => other.check.name);
  return { ...check, name: names.includes(undefined) ? undefined : names.join('|') };
}

/** @param {Verdict} without @param {Verdict} planted */
function endOf(without, planted) {
  if (without.outcome !== 'passed') return 'fails without it too';
  return { passed: 'survived', failed: 'caught', broken: 'does not run' }[planted.outcome];
}

/** What git knows of, and what is new, as it is now; with the packages that are installed here. */
function copyOfTree(directory) {
  const tree = join(directory, 'tree');
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: PROJECT, encoding: 'utf8' });
  for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(PROJECT, name)))) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(PROJECT, file), join(tree, file));
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

/** Changes one text of one file; gives how to change it back. */
function plant(tree, { name, file, from, to }) {
  const path = join(tree, file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(from);
  if (parts.length !== 2) throw new Error(`${file} says ${parts.length - 1} times, not once, what "${name}" changes: ${from}`);
  writeFileSync(path, parts.join(to));
  return () => writeFileSync(path, source);
}

/**
 * What a check says of the tree as it is.
 * @param {{ tree: string, check: Check, server: string | undefined }} what
 * @returns {Promise<Verdict>}
 */
async function verdictOf({ tree, check, server }) {
  const { file, name, project = 'embedded', modelRuns } = check;
  const report = join(tree, '..', 'report.json');
  rmSync(report, { force: true });
  const args = [JEST, file, '--selectProjects', project, '--json', '--outputFile', report, '--silent'];
  const begunAt = performance.now();
  await run(process.execPath, ['--experimental-vm-modules', '--no-warnings', ...args, ...(name === undefined ? [] : ['-t', name])], {
    cwd: tree,
    stdio: 'ignore',
    env: {
      ...process.env,
      ...(server === undefined ? {} : { BILLING_TEST_MYSQL_URL: server }),
      BILLING_TEST_DATABASE_PREFIX: DATABASE_PREFIX,
      ...(modelRuns === undefined ? {} : { MONEY_MODEL_RUNS: String(modelRuns), MONEY_MODEL_SEED: MODEL_SEED }),
    },
  });
  const seconds = Math.round((performance.now() - begunAt) / 1_000);
  if (!existsSync(report)) return { outcome: 'broken', failed: null, runs: 0, seconds };
  const { testResults, numRuntimeErrorTestSuites, numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  const [first] = testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed'));
  // A world whose books are broken fails to end as well: what counts is that a test saw it.
  const isBroken = first === undefined && (numRuntimeErrorTestSuites > 0 || numPassedTests + numFailedTests === 0);
  const outcome = isBroken ? 'broken' : first === undefined ? 'passed' : 'failed';
  const runs = Number(/Property failed after (\d+) tests/.exec(first?.failureMessages.join('\n') ?? '')?.[1] ?? 1);
  return { outcome, failed: first?.fullName ?? null, runs, seconds };
}

function rowOf({ mutant, check, verdict, end }) {
  const by = `${check.file.replace(/^test\//, '')}: ${end === 'caught' ? verdict.failed : `**${end}**`}`;
  const within = check.modelRuns === undefined ? '1' : `${verdict.runs} of ${check.modelRuns}`;
  return `| ${mutant.name} | ${mutant.file.replace(/^src\//, '')} | ${by} | ${within} | ${verdict.seconds} |`;
}

function resultsOf(rows) {
  const survivors = new Set(rows.filter(({ end }) => end !== 'caught').map(({ mutant }) => mutant));
  const planted = new Set(rows.map(({ mutant }) => mutant)).size;
  return `# Planted faults

Written by \`npm run mutants\` ([run.mjs](run.mjs)); the faults are in [mutants.mjs](mutants.mjs). Runs are those of the money model, from seed ${MODEL_SEED};
each check passes without a fault.

${planted - survivors.size} of ${planted} caught, each by all tests that are named.

| Fault | Planted in | Caught by | Within runs | Seconds |
|---|---|---|---|---|
${rows.map(rowOf).join('\n')}
`;
}
