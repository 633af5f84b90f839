import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const UNITS = 'ops/systemd';

let names: string[];
let directory: string;

beforeAll(async () => {
  names = (await readdir(UNITS)).toSorted();
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_units_'));
  await cp(UNITS, directory, { recursive: true });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What systemd says of units; Node is where it is on this machine. */
async function verify(): Promise<{ readonly status: number | null; readonly words: string }> {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('/usr/bin/node', process.execPath));
  }
  const files = (await readdir(directory)).map((name) => path.join(directory, name));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' });
  return { status, words: stdout + stderr };
}

describe('the systemd units', () => {
  it('are accepted by systemd as they are, and not with a mistake in them', async () => {
    expect(await verify()).toEqual({ status: 0, words: '' });
    const file = path.join(directory, 'billing-gateway.service');
    await writeFile(file, (await readFile(file, 'utf8')).replace('ProtectSystem=strict', 'ProtectSystems=strict'));
    expect((await verify()).words).toContain('ProtectSystems');
  });

  it('run what this repository has', async () => {
    for (const name of names.filter((unit) => unit.endsWith('.service'))) {
      const [, program = '', command] =
        /^ExecStart=\/usr\/bin\/node (?:--\S+ )*(\S+)(?: (.+))?$/m.exec(await readFile(path.join(UNITS, name), 'utf8')) ?? [];
      const source = program.replace(/^dist\/(.*)\.js$/, '$1.ts');
      expect([name, program, existsSync(source)]).toEqual([name, program, true]);
      if (program === 'bin/billing.mjs')
        expect([name, command]).toEqual([name, expect.stringMatching(/^(worker|backup|backup --logs|drill)$/)]);
    }
  });

  it('start the gateway as npm start does', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    const [, start = ''] = /^exec node (.+)$/.exec(scripts.start) ?? [];
    expect(start).toContain('dist/src/main.js');
    expect(await readFile(path.join(UNITS, 'billing-gateway.service'), 'utf8')).toContain(`\nExecStart=/usr/bin/node ${start}\n`);
  });

  it('confine every service, and give it no privilege', async () => {
    const services = names.filter((unit) => unit.endsWith('.service'));
    expect(services.length).toBe(5);
    for (const name of services) {
      const lines = (await readFile(path.join(UNITS, name), 'utf8')).split('\n');
      expect(lines).toEqual(
        expect.arrayContaining(['User=billing', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet=', 'UMask=0077']),
      );
    }
  });

  it('take a backup every 6 hours, the logs every 5 minutes, and hold a drill every week', async () => {
    const calendars = names
      .filter((unit) => unit.endsWith('.timer'))
      .map(async (name) => {
        const [, calendar = ''] = /^OnCalendar=(.*)$/m.exec(await readFile(path.join(UNITS, name), 'utf8')) ?? [];
        expect(names).toContain(name.replace('.timer', '.service'));
        const args = ['calendar', '--iterations=2', '--base-time=2026-03-01 00:00:01 UTC', calendar];
        const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
        const [first = 0, second = 0] = [...stdout.matchAll(/(?:Next elapse|Iter\. #2|Iteration #2): \w+ (\S+ \S+) UTC/g)].map((match) =>
          Date.parse(`${(match[1] ?? '').replace(' ', 'T')}Z`),
        );
        return [name, (second - first) / 60_000];
      });
    expect(await Promise.all(calendars)).toEqual([
      ['billing-backup-logs.timer', 5],
      ['billing-backup.timer', 6 * 60],
      ['billing-drill.timer', 7 * 24 * 60],
    ]);
  });
});
