import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/**
 * A place where the predicate of one app is taken out of one repository, in a copy of the source. There are more such places;
 * these stand for every repository that a client reaches, for locks, and for SQL that is written out.
 */
interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const REPOSITORY = 'src/platform/tenancy/tenant.repository.ts';
const JOBS = 'src/platform/jobs/jobs.ts';

const READ = "[{ sql: 'app_id = ?', parameters: [this.scope.appId] }]";
const LOCKED = '{ appId: this.scope.appId }';

/** What every SELECT of one table asks for. */
const reading = (table: string): Mutant => ({
  name: `reads of ${table}`,
  file: REPOSITORY,
  from: READ,
  to: `table.name === '${table}' ? [{ sql: '1 = 1', parameters: [] }] : ${READ}`,
});

/** What every lock of a row of one class asks for. */
const locking = (entity: string): Mutant => ({
  name: `locks of ${entity}`,
  file: REPOSITORY,
  from: LOCKED,
  to: `(this.entity.name === '${entity}' ? {} : ${LOCKED})`,
});

/** One statement that a repository writes out by itself; as many parameters as before. */
const statement = (name: string, file: string, from: string): Mutant => ({
  name,
  file,
  from,
  to: from.replace('app_id = ?', '? is not null'),
});

const MUTANTS: readonly Mutant[] = [
  ...['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes', 'webhooks'].map((noun) =>
    reading(`billing_${noun}`),
  ),
  ...['Payment', 'IdempotencyKey'].map(locking),
  statement('ends of jobs', JOBS, 'delete from billing_jobs where app_id = ? and id = ? and fence = ? and wanted = ?'),
];

const PROJECT = path.resolve(import.meta.dirname, '../..');
const COPIED = ['src', 'migrations', 'test/support', 'test/abuse/isolation.test.ts', 'package.json', 'tsconfig.json', '.swcrc'];
/** The parts of the isolation test that are about two apps. */
const CHOSEN = "^(what is tried|another app's)";
/** On an idle machine with two cores it is over in a minute; only one that never ends is ended. */
const RUN_MS_MAX = 600_000;
const CONTROL = 'control';
/** What a client of another app can see; the rest is told from the statements alone. */
const MUST_BE_SEEN = /^(reads|locks) of/;
const TAPPED = /statements are not confined to one app/;

/** How the isolation test ended on one copy: which tests failed, and what the ends of its worlds said. */
interface Outcome {
  readonly failed: readonly string[];
  readonly passed: number;
  readonly message: string;
}

let directory: string;
let outcomes: ReadonlyMap<string, Outcome>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'billing-mutants-'));
  await Promise.all([copyTo(CONTROL, null), ...MUTANTS.map((mutant, index) => copyTo(`mutant-${index}`, mutant))]);
  outcomes = await runAll([CONTROL, ...MUTANTS.map((_, index) => `mutant-${index}`)]);
}, RUN_MS_MAX);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the isolation test', () => {
  it('passes on a copy of the source in which nothing was changed', () => {
    const { failed, passed, message } = outcomeOf(CONTROL);
    expect([failed, message]).toEqual([[], '']);
    expect(passed).toBeGreaterThan(50);
  });

  it.each(MUTANTS.map((mutant, index) => [mutant.name, `mutant-${index}`]))('fails when %s are not bound to an app', (name, copy) => {
    const { failed, passed, message } = outcomeOf(copy);
    // Some still pass: it runs, and both apps were furnished.
    expect(passed).toBeGreaterThan(2);
    expect([failed, message]).toEqual(
      MUST_BE_SEEN.test(name)
        ? [expect.arrayContaining([expect.any(String)]), expect.any(String)]
        : [expect.any(Array), expect.stringMatching(TAPPED)],
    );
  });
});

/** A copy of what the isolation test needs, with one change; the libraries are shared. */
async function copyTo(name: string, mutant: Mutant | null): Promise<void> {
  const root = path.join(directory, name);
  await mkdir(root);
  for (const part of COPIED) await cp(path.join(PROJECT, part), path.join(root, part), { recursive: true });
  await symlink(path.join(PROJECT, 'node_modules'), path.join(root, 'node_modules'));
  if (mutant === null) return;
  const file = path.join(root, mutant.file);
  const [before = '', after, ...more] = (await readFile(file, 'utf8')).split(mutant.from);
  if (after === undefined || more.length > 0) throw new Error(`${mutant.file} does not say once: ${mutant.from}`);
  await writeFile(file, before + mutant.to + after);
}

/** Runs the chosen tests on every copy in one jest, each in a project of its own. */
async function runAll(names: readonly string[]): Promise<Map<string, Outcome>> {
  const { default: config } = (await import(path.join(PROJECT, 'jest.config.mjs'))) as { default: { projects: readonly object[] } };
  const projects = names.map((name) => ({
    ...config.projects.find((project) => JSON.stringify(project).includes('"embedded"')),
    rootDir: path.join(directory, name),
    cacheDirectory: path.join(PROJECT, 'node_modules/.cache/jest'),
    displayName: name,
    testMatch: [path.join(directory, name, 'test/abuse/*.test.ts')],
  }));
  const file = path.join(directory, 'jest.config.json');
  await writeFile(file, JSON.stringify({ maxWorkers: 2, testTimeout: 30_000, projects }));
  const results = path.join(directory, 'results.json');
  const jest = path.join(PROJECT, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', '--no-warnings', jest, '--config', file, '--json', '--outputFile', results, '-t', CHOSEN];
  // It ends with a failure, as it should: what counts is what it wrote down.
  await new Promise((resolve) => execFile(process.execPath, args, { cwd: directory, timeout: RUN_MS_MAX }, resolve));
  const { testResults } = JSON.parse(await readFile(results, 'utf8')) as { testResults: JestResult[] };
  return new Map(testResults.map((result) => [nameOf(result), outcomeFrom(result)]));
}

interface JestResult {
  readonly name: string;
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

function nameOf({ name }: JestResult): string {
  return path.relative(directory, name).split(path.sep)[0] ?? '';
}

function outcomeFrom({ message, assertionResults }: JestResult): Outcome {
  const of = (status: string) => assertionResults.filter((result) => result.status === status).map(({ fullName }) => fullName);
  return { failed: of('failed'), passed: of('passed').length, message };
}

function outcomeOf(copy: string): Outcome {
  const outcome = outcomes.get(copy);
  if (outcome === undefined) throw new Error(`The isolation test did not run on ${copy}.`);
  return outcome;
}
