import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Block, shellBlocksOf } from '../support/documents.js';
import { Machine } from '../support/walk/machine.js';

const run = promisify(execFile);
const userId = (name: string) => Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }));

const DOCUMENT = 'docs/operations.md';
const WALK_MS_MAX = 900_000;
/** What cannot be asked of a sandbox, and what begins with the first customer. */
const NOT_ASKED = ['tilled.production', 'watch.first-payment', 'watch.objectives', 'watch.retrospective', 'watch.runbooks-updated'];
/** The walk's own words between the document's: where a block ends. */
const MARK = '@@@ end of block';

let machine: Machine;
let blocks: Block[];
let walking: ChildProcess | undefined;
/** What each block printed, by its place in the document. */
let said: string[];
let status: number | null;

/** The document needs no database of ours, and makes everything on its own: once is enough. */
if (globalThis.TEST_DATABASE === 'mysql') {
  beforeAll(async () => {
    machine = await Machine.create();
    blocks = await shellBlocksOf(DOCUMENT);
    ({ status, said } = await walked());
  }, WALK_MS_MAX);
  afterAll(async () => {
    endWalk();
    await machine?.close();
  }, 120_000);

  describe('the path from an empty Debian to a launched gateway', () => {
    it('is walked by its own lines, from the first block to the last', () => {
      const [last = ''] = said.slice(-1);
      expect([status, blocks.length, said.length, last.slice(-3_000)]).toEqual([0, blocks.length, blocks.length + 1, '']);
    });

    it('ends with a preflight to which nothing is missing', () => {
      const lines = saidUnder('11. Launch').split('\n');
      expect(lines.filter((line) => /FAILED/.test(line))).toEqual([]);
      expect(lines.filter((line) => / n\/a {2}/.test(line)).map((line) => line.trim().split(/ +/)[1])).toEqual(NOT_ASKED);
      expect(lines.at(-2)).toMatch(/^\d+ ok, 15 attested, \d+ not applicable, 0 failed: ready\.$/);
    });

    it('has nothing of the database or of its visitors in plain text', async () => {
      expect(saidUnder('11. Launch')).toMatch(/ database\.tls +ok +Encrypted with .*; the name of the server is verified\./);
      expect(saidUnder('11. Launch')).toMatch(/ service\.https +ok /);
      const variables = await readFile(path.join(machine.root, 'etc/billing/billing.env'), 'utf8');
      const [, MYSQL_PWD = ''] = /billing_service:(\w+)@/.exec(variables) ?? [];
      const asService = (...how: readonly string[]) => {
        const args = [`--defaults-file=${machine.root}/etc/mysql/my.cnf`, '--host=127.0.0.1', '--user=billing_service', ...how];
        return run('/usr/bin/mariadb', [...args, '-e', 'select 1'], { env: { MYSQL_PWD } });
      };
      expect((await asService('--ssl')).stdout).toBe('1\n1\n');
      // The same password, which the server then says it does not know.
      await expect(asService('--skip-ssl')).rejects.toThrow(/Access denied|insecure transport/);
    });

    it('moves a cent through all ten steps of the smoke test', () => {
      const [smoke = ''] = saidUnder('11. Launch').split('All steps were done.');
      expect(smoke.match(/^ok {8}\S+/gm)).toHaveLength(10);
    });

    it('starts every unit that there is, and leaves gateway and worker running as billing', async () => {
      // Templates are started by others, for who fails.
      const units = (await readdir('ops/systemd')).filter((unit) => !unit.includes('@'));
      const begun = [
        ...machine.enabled,
        ...units.filter((unit) => unit.endsWith('.service') && machine.enabled.has(unit.replace('.service', '.timer'))),
      ];
      expect(begun.toSorted()).toEqual(units.toSorted());
      expect(machine.services.names).toEqual([
        'billing-gateway',
        'billing-worker',
        'haproxy',
        'mariadb',
        'prometheus',
        'prometheus-alertmanager',
        'redis-server',
      ]);
      const users = ['billing-gateway', 'billing-worker'].map((name) => statSync(`/proc/${machine.services.pids.get(name)}`).uid);
      expect(users).toEqual([userId('billing'), userId('billing')]);
    });

    it('has alerts reach Alertmanager', async () => {
      const heard = async () => {
        const answer = await fetch(machine.here('http://127.0.0.1:9093/api/v2/alerts'));
        return ((await answer.json()) as { labels: { alertname: string } }[]).map(({ labels }) => labels.alertname);
      };
      // Prometheus, which began a moment ago, evaluates the rules every 15 s.
      for (const end = Date.now() + 60_000; Date.now() < end && (await heard()).length === 0; ) await sleep(500);
      expect(await heard()).toEqual(['Watchdog']);
    });

    it('makes exactly the database users of ops/grants', async () => {
      const { stdout } = await run(path.join(machine.root, 'bin/mariadb'), [
        '-N',
        '-e',
        "select user from mysql.user where user like 'billing%'",
      ]);
      const granted = (await readdir('ops/grants')).map((file) => file.replace('.sql', '')).filter((name) => name.startsWith('billing'));
      // The path has no replica.
      expect([...stdout.trim().split('\n'), 'billing_replica'].toSorted()).toEqual(granted.toSorted());
    });

    it('leaves no variable, key or password where another user reads it, and the password of backups to the user of their units', async () => {
      const directory = path.join(machine.root, 'etc/billing');
      const modes = (await readdir(directory)).map((name) => [name, (statSync(path.join(directory, name)).mode & 0o777).toString(8)]);
      expect(Object.fromEntries(modes)).toEqual({
        ...{ 'ca.pem': '644', 'billing.env': '640', 'backup.env': '640', 'migrator-url': '600', 'restic-password': '600' },
      });
      expect(statSync(path.join(directory, 'restic-password')).uid).toBe(userId('billing'));
      expect(statSync(directory).mode & 0o007).toBe(0);
    });
  });
} else {
  it('is on a database server: see the project mysql', () => expect(globalThis.TEST_DATABASE).toBe('embedded'));
}

/** Runs the document's blocks in one shell of root's, in a directory with nothing in it but the release. */
async function walked(): Promise<{ status: number | null; said: string[] }> {
  const script = ['set -eu -o pipefail', ...blocks.map(({ lines }) => `${machine.here(lines)}\necho '${MARK}'`)].join('\n');
  const transcript = path.join(machine.root, 'transcript');
  const output = await open(transcript, 'w');
  const options = { cwd: path.join(machine.root, 'home'), env: machine.environment, detached: true } as const;
  walking = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '/bin/bash', '-c', script], {
    ...options,
    stdio: ['ignore', output.fd, output.fd],
  });
  const [ended] = (await once(walking, 'exit')) as [number | null];
  await output.close();
  return { status: ended, said: (await readFile(transcript, 'utf8')).split(`${MARK}\n`) };
}

/** Ends what the walk's shell left running: the sandbox. */
function endWalk(): void {
  try {
    if (walking?.pid !== undefined) process.kill(-walking.pid, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}

function saidUnder(heading: string): string {
  return said.filter((_, index) => blocks[index]?.heading === heading).join('');
}
