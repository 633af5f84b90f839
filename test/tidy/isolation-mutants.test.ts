import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/**
 * A place where the predicate of one app is taken out of one repository, as the source is compiled. There are more such places;
 * these stand for every repository that a client reaches, for locks, and for SQL that is written out.
 */
interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const REPOSITORY = 'src/platform/tenancy/tenant.repository.ts';
const JOBS = 'src/platform/jobs/job.sql.ts';

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
  statement('ends of jobs', JOBS, 'delete from billing_jobs where app_id = ? and id = ? and fence = ?'),
];

const PROJECT = path.resolve(import.meta.dirname, '../..');
const SUPPORT = path.join(PROJECT, 'test/support');
/** The parts of the isolation test that are about two apps. */
const CHOSEN = "^(what is tried|another app's)";
/** On an idle machine with two cores it is over in a minute; only one that never ends is ended. */
const RUN_MS_MAX = 600_000;
const CONTROL = 'control';
/** What a client of another app can see; the rest is told from the statements alone. */
const MUST_BE_SEEN = /^(reads|locks) of/;
const TAPPED = /statements are not confined to one app/;

/** How the isolation test ended with one change: which tests failed, and what the ends of its worlds said. */
interface Outcome {
  readonly failed: readonly string[];
  readonly passed: number;
  readonly message: string;
}

let directory: string;
let outcomes: Readonly<Record<string, Outcome>>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'billing-mutants-'));
  outcomes = await runAll();
}, RUN_MS_MAX);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the isolation test', () => {
  it('passes where nothing was changed', () => {
    const { failed, passed, message } = outcomeOf(CONTROL);
    expect([failed, message]).toEqual([[], '']);
    expect(passed).toBeGreaterThan(50);
  });

  it.each(MUTANTS.map(({ name }) => name))('fails when %s are not bound to an app', (name) => {
    const { failed, passed, message } = outcomeOf(name);
    // Some still pass: it runs, and both apps were furnished.
    expect(passed).toBeGreaterThan(2);
    expect([failed, message]).toEqual(
      MUST_BE_SEEN.test(name)
        ? [expect.arrayContaining([expect.any(String)]), expect.any(String)]
        : [expect.any(Array), expect.stringMatching(TAPPED)],
    );
  });
});

/** Runs the chosen tests with nothing changed and with each change, in one jest, each in a project of its own. */
async function runAll(): Promise<Record<string, Outcome>> {
  const { default: config } = (await import(path.join(PROJECT, 'jest.config.mjs'))) as { default: { projects: readonly Project[] } };
  const embedded = config.projects.find(({ displayName }) => displayName === 'embedded');
  if (embedded === undefined) throw new Error('There is no project for the embedded database.');
  const testMatch = ['**/isolation.test.ts'];
  // The config leaves out what is not of the tier that runs now; this file is of another.
  const tested = { ...embedded, roots: [path.join(PROJECT, 'test/abuse')], testMatch, testPathIgnorePatterns: ['/node_modules/'] };
  const mutants = MUTANTS.map(({ name, file, from, to }) => ({
    ...{ ...tested, displayName: name },
    // Of patterns that fit, the first counts.
    transform: { [`/${file}$`]: [path.join(SUPPORT, 'mutating-transformer.mjs'), { from, to }], ...embedded.transform },
  }));
  const projects = [{ ...tested, displayName: CONTROL }, ...mutants];
  const file = path.join(directory, 'jest.config.json');
  const results = path.join(directory, 'outcomes.json');
  const reporters = [[path.join(SUPPORT, 'outcomes-reporter.mjs'), { file: results }]];
  await writeFile(file, JSON.stringify({ maxWorkers: 2, testTimeout: 30_000, reporters, projects }));
  const jest = path.join(PROJECT, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', '--no-warnings', jest, '--config', file, '-t', CHOSEN];
  // It ends with a failure, as it should: what counts is what it wrote down.
  await new Promise((resolve) => execFile(process.execPath, args, { cwd: PROJECT, timeout: RUN_MS_MAX }, resolve));
  return JSON.parse(await readFile(results, 'utf8')) as Record<string, Outcome>;
}

interface Project {
  readonly displayName: string;
  readonly transform: object;
}

function outcomeOf(name: string): Outcome {
  const outcome = outcomes[name];
  if (outcome === undefined) throw new Error(`The isolation test did not run with ${name}.`);
  return outcome;
}
