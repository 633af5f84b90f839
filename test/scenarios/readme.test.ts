import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { shellBlocksOf } from '../support/documents.js';
import { freePort, type RunningProcess, runningGateway } from '../support/processes.js';

/** Programs that a newcomer has: what a shell has built in, and these. */
const PROGRAMS = ['curl', 'node'];
/** What the webhooks of the last lines do may take a moment; the test's own sleep, since a newcomer just looks again. */
const LOOK_AGAIN = `
tries=0
until look | /bin/grep -q 'SUCCEEDED.*SUCCEEDED' || [ $tries -ge 60 ]; do /bin/sleep 1; tries=$((tries + 1)); done
look`;

describe('README.md', () => {
  it('begins with one line that installs and starts everything', async () => {
    expect((await linesBelow('billing-gateway'))[0]).toMatch(/^npm ci && npm start\b/);
  });
});

/** A start makes everything anew in an empty directory, whatever the database of the other tests is. */
if (globalThis.TEST_DATABASE === 'embedded') {
  describe('the way of README.md for newcomers', () => {
    let directory: string;
    let running: RunningProcess;

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'billing-readme-'));
      const ports = { PORT: String(await freePort()), TILLED_SANDBOX_PORT: String(await freePort()) };
      running = await runningGateway({ ...ports, BILLING_DATA_DIR: path.join(directory, '.billing') });
      await mkdir(path.join(directory, 'bin'));
      for (const name of PROGRAMS) await symlink(await placeOf(name), path.join(directory, 'bin', name));
    });
    afterAll(async () => {
      await running.end('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    });

    // The second walk begins a month later: the first one moved the clock.
    it.each([
      'first',
      'second',
    ])('leads by its own lines, with nothing but curl and Node, to a subscription charged twice: %s walk', async () => {
      const blocks = await linesBelow('From nothing to a subscription that was charged');
      expect(blocks.length).toBeGreaterThan(4);
      const script = ['set -eu', ...blocks, LOOK_AGAIN].join('\n');
      const environment = { PATH: path.join(directory, 'bin') };
      const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', script], { cwd: directory, env: environment });
      const answers = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { data?: object; errors?: unknown });
      expect([stderr, answers.filter(({ errors }) => errors !== undefined)]).toEqual(['', []]);
      expect(stdout).not.toMatch(/"userErrors":\[\{/);
      const paid = { status: 'SUCCEEDED', amount: { decimal: '19.00', currency: 'usd' } };
      expect(answers.at(-1)?.data).toMatchObject({ subscription: { status: 'ACTIVE', payments: { nodes: [paid, paid] } } });
    });
  });
}

async function placeOf(program: string): Promise<string> {
  if (program === 'node') return process.execPath;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `command -v ${program}`]);
  return stdout.trim();
}

/** The lines of each block below a heading of README.md. */
async function linesBelow(heading: string): Promise<string[]> {
  return (await shellBlocksOf('README.md')).filter((block) => block.heading === heading).map(({ lines }) => lines);
}
