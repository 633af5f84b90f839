import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Report } from '../../src/preflight/report.js';
import { billing, type Environment, freePort, type RunningProcess, runningGateway } from '../support/processes.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const COMMAND_MS_MAX = 60_000;
/** A smoke test waits 90 s for what does not come. */
const SMOKE_MS_MAX = 150_000;
/** Of the running gateway: a few smoke tests in a quarter of an hour must be able to live with it. */
const REQUESTS = '100';

/** What the embedded default lacks for production, and nothing else. */
const MISSING = [
  ...['database.separate', 'database.pool', 'database.people'],
  ...['backups.recent', 'backups.restored', 'backups.before-customers'],
  ...['secrets.encryption', 'secrets.managed', 'tilled.production', 'service.https', 'environment.production', 'limits.configured'],
  ...['logs.kept', 'metrics.guarded', 'alerts.loaded', 'alerts.targets', 'alerts.reach-people', 'dashboard.imported'],
  ...['migration.planned', 'migration.rehearsed', 'migration.scheduled', 'security.reviewed'],
  ...['training.developers', 'training.support', 'tests.passed', 'smoke.passed', 'load.limits'],
  ...['launch.told', 'launch.announced', 'rollback.rehearsed', 'watch.alerts'],
];

/** Commands of the documents that only read: they are run as they stand. */
const READING = /^billing (verify|reconcile|apps list|keys list|jobs list|webhooks endpoints|preflight( --phase \d+)?$|checklist|commands)/;

interface ShownCommand {
  readonly name: string;
  readonly arguments: readonly { readonly required: boolean }[];
  readonly options: readonly { readonly flag: string; readonly takesValue: boolean; readonly required: boolean }[];
}

if (globalThis.TEST_DATABASE === 'embedded') {
  let directory: string;
  let environment: Environment;
  let running: RunningProcess;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'bg_test_preflight_'));
    environment = {
      BILLING_DATA_DIR: directory,
      PORT: String(await freePort()),
      TILLED_SANDBOX_PORT: String(await freePort()),
      BILLING_REQUESTS_PER_WINDOW: REQUESTS,
    };
    running = await runningGateway(environment);
  });
  afterAll(async () => {
    await running.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  const run = (...args: string[]) => billing(args, environment, COMMAND_MS_MAX);
  const failuresOf = async (...args: string[]) => {
    const { stdout, status } = await run('preflight', '--json', ...args);
    const { checks } = JSON.parse(stdout) as Report;
    return { status, ids: checks.filter((check) => check.status === 'failed').map(({ id }) => id), checks };
  };

  describe('billing preflight on the embedded default', () => {
    it('names what is missing for production, and nothing else, each with what to do', async () => {
      const { status, ids, checks } = await failuresOf();
      expect(ids.toSorted()).toEqual(MISSING.toSorted());
      expect(status).toBe(1);
      for (const { id, evidence, todo } of checks.filter((check) => check.status === 'failed')) {
        expect([id, evidence, todo]).toEqual([id, expect.stringMatching(/./), expect.stringMatching(/.{20}/)]);
      }
    });

    it('counts the word of a person where only people know, and until it is over', async () => {
      const attested = await run('preflight', 'attest', 'launch.told', '--by', 'Ann Lee', '--note', 'by mail', '--expires-days', '1');
      expect([attested.status, attested.stderr]).toEqual([0, '']);
      const { ids, checks } = await failuresOf('--phase', '9');
      expect(ids).toEqual(['launch.announced', 'rollback.rehearsed']);
      expect(checks[0]).toMatchObject({
        status: 'attested',
        evidence: expect.stringMatching(/^Attested by Ann Lee on .*, until .*: by mail$/),
      });
    });

    it("takes nobody's word for what it can look at, or for what it does not know", async () => {
      for (const id of ['database.separate', 'smoke.passed', 'database.nothing']) {
        expect([id, (await run('preflight', 'attest', 'launch.announced', id, '--by', 'Ann Lee')).status]).toEqual([id, 1]);
      }
      expect((await failuresOf('--phase', '9')).ids).toContain('launch.announced');
    });

    it('leaves out of the record a smoke test that could not do everything, and cleans up all the same', async () => {
      const refused = await run('smoke', '--app', 'demo', '--payment-method', 'pm_of_nobody', '--json');
      expect(refused.status).toBe(1);
      const { steps } = JSON.parse(refused.stdout) as { steps: { name: string; status: string }[] };
      expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
        ...['customer done', 'idempotency done', 'payment-method failed', 'clean-up done'],
      ]);
      expect((await failuresOf('--phase', '8')).ids).toContain('smoke.passed');
      expect((await run('smoke', '--app', 'demo', '--cleanup-only')).stdout).toContain('0 customers');
    });

    it(
      'says of a smoke test whose webhooks do not arrive that they do not, and counts the next one of the same quarter of an hour',
      async () => {
        const demo = parseEnv(await readFile(path.join(directory, 'demo.env'), 'utf8'));
        const lose = async (count: number) => {
          const headers = { 'content-type': 'application/json', 'tilled-api-key': demo['TILLED_SECRET_KEY'] ?? '' };
          const account = { 'tilled-account': demo['TILLED_ACCOUNT_ID'] ?? '' };
          const body = JSON.stringify({ lose: count });
          const url = `${demo['TILLED_BASE_URL']}/_sandbox/webhooks`;
          expect((await fetch(url, { method: 'POST', headers: { ...headers, ...account }, body })).status).toBe(200);
        };
        await lose(1_000);
        const unheard = await billing(['smoke', '--app', 'demo', '--json'], environment, SMOKE_MS_MAX);
        await lose(0);
        const { steps } = JSON.parse(unheard.stdout) as { steps: { name: string; status: string; evidence: string }[] };
        expect(steps.find(({ status }) => status === 'failed')).toMatchObject({
          name: 'charge',
          evidence: expect.stringMatching(
            /^At Tilled the charge pi_\w+ is succeeded, and no webhook has arrived since: see that Tilled reaches http/,
          ),
        });
        expect(steps.at(-1)).toMatchObject({ name: 'clean-up', status: 'done' });
        for (let round = 0; round < 2; round += 1) {
          const good = await billing(['smoke', '--app', 'demo', '--json'], environment, SMOKE_MS_MAX);
          expect([good.status, JSON.parse(good.stdout)]).toMatchObject([0, { isGood: true }]);
        }
        expect((await failuresOf('--phase', '8')).ids).not.toContain('smoke.passed');
      },
      4 * SMOKE_MS_MAX,
    );
  });

  describe('the commands that runbooks and documents quote', () => {
    it('exist, with those arguments and options', async () => {
      const known = new Map((JSON.parse((await run('commands')).stdout) as ShownCommand[]).map((command) => [command.name, command]));
      const quoted = await quotedCommands();
      expect(quoted.length).toBeGreaterThan(100);
      expect(quoted.map(({ file, command }) => [file, command, faultOf(command, known)]).filter(([, , fault]) => fault !== null)).toEqual(
        [],
      );
    });

    it('run, where they only read', async () => {
      const quoted = (await quotedCommands()).map(({ command }) => command.replaceAll(/--app \S+/g, '--app demo'));
      const reading = [...new Set(quoted)].filter((command) => READING.test(command) && !/\b[A-Z]{4,}\b|…/.test(command));
      expect(reading.length).toBeGreaterThan(8);
      for (const command of reading) {
        const { status, stderr } = await run(...command.split(' ').slice(1));
        // What is missing for production is no failure of the command.
        expect([command, stderr, status === 0 || (status === 1 && command.includes('preflight'))]).toEqual([command, '', true]);
      }
    }, 300_000);
  });
} else {
  it('is about the embedded default: see go-live for a server', () => expect(globalThis.TEST_DATABASE).toBe('mysql'));
}

/** Every line `billing …` in a fenced block of sh. */
async function quotedCommands(): Promise<{ readonly file: string; readonly command: string }[]> {
  const found: { file: string; command: string }[] = [];
  for (const folder of ['ops/runbooks', 'docs']) {
    for (const file of (await readdir(path.join(PROJECT, folder))).filter((name) => name.endsWith('.md'))) {
      const text = await readFile(path.join(PROJECT, folder, file), 'utf8');
      for (const [, block = ''] of text.matchAll(/^```sh\n([\s\S]*?)^```/gm)) {
        const lines = block.split('\n').map((line) =>
          line
            .replace(/\s+#.*$/, '')
            .replace(/\s*[<>|].*$/, '')
            .trim(),
        );
        found.push(...lines.filter((line) => line.startsWith('billing ')).map((command) => ({ file, command })));
      }
    }
  }
  return found;
}

/** What is wrong with a command line, by the list of commands; null if nothing is. */
function faultOf(line: string, known: ReadonlyMap<string, ShownCommand>): string | null {
  const words = (line.replace(/\\$/, '').match(/"[^"]*"|\S+/g) ?? []).slice(1);
  const depth = [3, 2, 1].find((length) => known.has(words.slice(0, length).join(' ')));
  const command = known.get(words.slice(0, depth ?? 0).join(' '));
  if (command === undefined || depth === undefined) return 'no such command';
  const given = new Set<string>();
  let positional = 0;
  for (let rest = words.slice(depth); rest.length > 0; ) {
    const [word = '', ...after] = rest;
    const option = command.options.find(({ flag }) => flag === word);
    if (word.startsWith('--') && option === undefined) return `no option ${word}`;
    if (option === undefined) positional += 1;
    else given.add(option.flag);
    if (option?.takesValue && (after[0] === undefined || after[0].startsWith('--'))) return `${word} needs a value`;
    // An option may take several values.
    const values = option?.takesValue ? after.findIndex((next, at) => at > 0 && (next.startsWith('--') || !next.includes(':'))) : 0;
    rest = option?.takesValue ? (values < 0 ? [] : after.slice(values)) : after;
  }
  const missing = command.options.filter(({ flag, required }) => required && !given.has(flag)).map(({ flag }) => flag);
  if (missing.length > 0) return `without ${missing.join(', ')}`;
  const needed = command.arguments.filter(({ required }) => required).length;
  return positional < needed || positional > command.arguments.length ? `${positional} arguments` : null;
}
