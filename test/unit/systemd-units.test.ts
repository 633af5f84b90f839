import { spawnSync } from 'node:child_process';
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

/** Where the units say that it is installed. */
const INSTALLED = '/opt/billing-gateway';

/** What systemd says of units, as if it were installed here. */
async function verify(): Promise<{ readonly status: number | null; readonly words: string }> {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(INSTALLED, process.cwd()));
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

  it.each([
    'backup',
    'backup-logs',
    'drill',
    'gateway',
    'worker',
  ])('%s starts where only what npm ci brought is there, and then asks for its variables', async (name) => {
    const unit = await readFile(path.join(UNITS, `billing-${name}.service`), 'utf8');
    const [program = '', ...args] = (/^ExecStart=(.+)$/m.exec(unit)?.[1] ?? '').split(' ');
    expect(program).toBe(`${INSTALLED}/node_modules/.bin/node`);
    expect(unit).toContain(`\nWorkingDirectory=${INSTALLED}\n`);
    const here = { env: { NODE_ENV: 'production', PATH: '/nowhere' }, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(program.replace(INSTALLED, process.cwd()), args, here);
    expect([status, stderr]).toEqual([78, expect.stringMatching(/^DATABASE_URL_BILLING is missing: /m)]);
  });

  it('start the gateway as npm start does', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    const [, start = ''] = /^exec node (.+)$/.exec(scripts.start) ?? [];
    expect(start).toContain('dist/src/main.js');
    expect(await readFile(path.join(UNITS, 'billing-gateway.service'), 'utf8')).toContain(`/.bin/node ${start}\n`);
  });

  it('confine every service, and give it no privilege', async () => {
    const services = names.filter((unit) => unit.endsWith('.service'));
    expect(services.length).toBe(6);
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
