import { existsSync } from 'node:fs';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { readBackupConfig } from '../../src/config.backup.js';
import { readConfig } from '../../src/config.js';
import { STOP_MS_MAX, workMsMax } from '../../src/config.stopping.js';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { billing } from '../support/processes.js';

const SERVICE = z.looseObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  command: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  env_file: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.strictObject({ condition: z.string() }))]).default([]),
  restart: z.string(),
});
const COMPOSE = z.looseObject({ services: z.record(z.string(), SERVICE), volumes: z.record(z.string(), z.unknown()) });

type Service = z.infer<typeof SERVICE>;

let services: Record<string, Service>;
let volumes: string[];
let dockerfile: string;

beforeAll(async () => {
  const compose = COMPOSE.parse(parse(await readFile('compose.yml', 'utf8'), { merge: true }));
  services = compose.services;
  volumes = Object.keys(compose.volumes);
  dockerfile = await readFile('Dockerfile', 'utf8');
});

/** The stages of the Dockerfile, each with what it is made from. */
function stages(): Map<string, string> {
  return new Map([...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, from = '', name = '']) => [name, from]));
}

/** The lines of a stage. */
function stage(name: string): string {
  return dockerfile.slice(dockerfile.indexOf(` AS ${name}\n`)).split(/^FROM /m)[0] ?? '';
}

async function example(file: string): Promise<Record<string, string>> {
  const lines = (await readFile(`ops/docker/${file}.example`, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe('the command line', () => {
  it('can be executed as it was checked out: what npx and the image start is the file itself', async () => {
    await expect(access('bin/billing.mjs', constants.X_OK)).resolves.toBeUndefined();
  });
});

describe('the gateway and the worker', () => {
  it.each(['gateway', 'worker'])('%s can fill no more than its part of the machine, as a unit and in compose', async (name) => {
    const unit = await readFile(`ops/systemd/billing-${name}.service`, 'utf8');
    expect([unit.match(/^MemoryHigh=/m), unit.match(/^MemoryMax=2G$/m)]).not.toContain(null);
    expect(services[name]).toMatchObject({ mem_limit: '2g' });
  });

  it.each(['gateway', 'worker'])('%s is given the time that ending may take under any settings before it is killed', async (name) => {
    const unit = await readFile(`ops/systemd/billing-${name}.service`, 'utf8');
    expect(unit).toContain(`\nTimeoutStopSec=${STOP_MS_MAX / 1_000}\n`);
    expect(services[name]).toMatchObject({ stop_grace_period: `${STOP_MS_MAX / 1_000}s` });
  });

  it('are waited for by what stands before them for longer than a request may take', async () => {
    const [, seconds] = /^ *timeout server +(\d+)s$/m.exec(await readFile('ops/haproxy/haproxy.cfg', 'utf8')) ?? [];
    expect(Number(seconds) * 1_000).toBeGreaterThan(workMsMax(50_000));
    expect(() => readConfig({ TILLED_TIMEOUT_MS: '50001' }, '.')).toThrow(/TILLED_TIMEOUT_MS/);
  });
});

describe('the directory of the log in billing.env.example', () => {
  it('can be written by the units and in compose, where all else is read only', async () => {
    const { BILLING_LOG_DIR: directory = '' } = await example('billing.env');
    for (const name of ['gateway', 'worker']) {
      const unit = await readFile(`ops/systemd/billing-${name}.service`, 'utf8');
      expect(unit).toMatch(/^ProtectSystem=strict$/m);
      expect(`/var/log/${/^LogsDirectory=(.+)$/m.exec(unit)?.[1]}`).toBe(directory);
      expect(services[name]).toMatchObject({ read_only: true, volumes: [`logs:${directory}`] });
    }
    // The image's directory gives its owner to the volume.
    expect(stage('base')).toContain(`install -d -o node -g node -m 700 ${directory}`);
  });
});

describe('the Dockerfile', () => {
  it('copies only what the repository has and .dockerignore lets through', async () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    expect(copied.length).toBeGreaterThan(5);
    const letThrough = (await readFile('.dockerignore', 'utf8')).split('\n').filter((line) => line.startsWith('!'));
    for (const source of copied) {
      expect([source, existsSync(source)]).toEqual([source, true]);
      expect([source, letThrough.some((line) => `${source.replace('./', '')}/`.startsWith(`${line.slice(1)}/`))]).toEqual([source, true]);
    }
  });

  it('takes from stages that come before, and ends in the gateway', () => {
    const names = [...stages().keys()];
    expect(names.at(-1)).toBe('gateway');
    for (const [name, from] of stages()) {
      const used = [from, ...[...stage(name).matchAll(/--from=(\S+)/g)].map((match) => match[1] ?? '')];
      const own = used.filter((source) => !source.includes(':'));
      expect([name, own.filter((source) => names.indexOf(source) >= names.indexOf(name) || !names.includes(source))]).toEqual([name, []]);
    }
  });

  it('runs nothing as root, and installs no development dependency where it runs', () => {
    for (const name of ['gateway', 'operations', 'operations-mysql']) expect(stage(name)).toMatch(/^USER node$/m);
    expect(stage('build')).toMatch(/^RUN npm ci$/m);
    expect(stage('dependencies')).toMatch(/npm ci --omit=dev/);
    expect(stage('base')).toMatch(/COPY --from=dependencies/);
  });

  it('runs on the Node, and starts the gateway with what npm start has, of package.json', async () => {
    const { engines, scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(engines.node).toMatch(/^>=24/);
    expect(new Set(dockerfile.match(/node:\S+/g))).toEqual(new Set(['node:24-bookworm-slim']));
    const [, command = '[]'] = /^CMD (\["node", .+\])$/m.exec(stage('gateway')) ?? [];
    const [node, ...args] = JSON.parse(command);
    expect(scripts.start).toBe(['exec', node, ...args].join(' '));
  });

  it('asks a route that exists whether the gateway lives', async () => {
    const [, route = ''] = /4000\}(\/\w+)`/.exec(stage('gateway')) ?? [];
    expect(await readFile('src/http/ops.route.ts', 'utf8')).toContain(`'${route}'`);
  });
});

describe('compose.yml', () => {
  it('builds stages of the Dockerfile and starts commands of billing', async () => {
    const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
    expect(ours.map(([name]) => name)).toEqual(['migrate', 'gateway', 'worker', 'backup']);
    for (const [, { build }] of ours) expect([...stages().keys()]).toContain(build?.target);
    const help = (await billing(['--help'], {})).stdout;
    const commands = ours.map(([, { entrypoint = [], command }]) => [...entrypoint, ...command].filter((word) => word !== 'billing')[0]);
    for (const command of [...commands.filter((word) => word !== undefined), 'backup'])
      expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('has the database the documentation names, with the binary logs that going back to a moment needs', () => {
    const { image, command } = services['database'] ?? { image: '', command: [] };
    expect(image).toBe('mysql:8.4');
    expect(command).toEqual(
      expect.arrayContaining(['--log-bin=binlog', '--binlog-format=ROW', `--binlog-expire-logs-seconds=${7 * 86_400}`]),
    );
  });

  it('gives no secret to a command that looks after health: whoever lists processes would read it', async () => {
    const { services: all } = parse(await readFile('compose.yml', 'utf8'), { merge: true }) as {
      services: Record<string, { healthcheck?: { test?: unknown } }>;
    };
    const checks = Object.values(all).flatMap(({ healthcheck }) =>
      healthcheck?.test === undefined ? [] : [JSON.stringify(healthcheck.test)],
    );
    expect(checks.length).toBeGreaterThan(0);
    expect(checks.filter((check) => /password|secret|token|\$/i.test(check))).toEqual([]);
  });

  it('migrates before anything of ours runs, and waits for services that exist', () => {
    for (const name of ['gateway', 'worker'])
      expect(services[name]?.depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
    const waitedFor = Object.values(services).flatMap(({ depends_on: on }) => (Array.isArray(on) ? on : Object.keys(on)));
    expect(waitedFor.filter((name) => !(name in services))).toEqual([]);
  });

  it('keeps secrets in files that git ignores, each with an example, and shows each service its own only', async () => {
    const files = [...new Set(Object.values(services).flatMap((service) => service.env_file))].toSorted();
    expect((await readdir('ops/docker')).filter((name) => name.endsWith('.example')).toSorted()).toEqual(
      files.map((name) => `${name}.example`),
    );
    const ignored = (await readFile('.gitignore', 'utf8')).split('\n');
    expect(files.filter((name) => !ignored.includes(`/${name}`))).toEqual([]);
    const seen = (name: string) =>
      Object.entries(services).flatMap(([service, { env_file }]) => (env_file.includes(name) ? [service] : []));
    expect(seen('billing.env')).toEqual(['migrate', 'gateway', 'worker', 'backup']);
    expect(seen('backup.env')).toEqual(['backup']);
    expect(seen('database.env')).toEqual(['database']);
  });

  it('has examples that the gateway accepts, with nothing in them that it does not read', async () => {
    const environment = { ...(await example('billing.env')), ...(await example('backup.env')) };
    // One that everybody can read here must not be taken for a key.
    expect(() => readConfig(environment, '.')).toThrow(/^BILLING_ENCRYPTION_KEY is not 32 bytes in base64[^\n]*$/);
    const config = readConfig({ ...environment, BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY }, '.');
    expect(config.isProduction).toBe(true);
    expect(readBackupConfig(environment, config).database.location).toMatch(/^mysql:\/\/root/);
    const files = (await readdir('src')).filter((name) => /^config(\.\w+)?\.ts$/.test(name));
    const read = (await Promise.all(files.map((name) => readFile(`src/${name}`, 'utf8')))).join('\n');
    const set = [...Object.keys(environment), ...Object.values(services).flatMap((service) => Object.keys(service.environment))];
    const unknown = set.filter((name) => !read.includes(`'${name}'`) && !/^(AWS|RESTIC|MYSQL)_|^TMPDIR$/.test(name));
    expect(unknown).toEqual([]);
    for (const file of ['billing.env', 'backup.env', 'database.env', 'grafana.env'])
      for (const [name, value] of Object.entries(await example(file)))
        if (/KEY|PASSWORD|SECRET/.test(name)) expect([name, value]).toEqual([name, expect.stringContaining('CHANGE_ME')]);
  });

  it('mounts volumes that it declares, and the folders of Prometheus and Grafana', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0] ?? ''));
    expect([...new Set(mounted.filter((name) => !name.startsWith('.')))].toSorted()).toEqual(volumes.toSorted());
    expect(mounted.filter((name) => name.startsWith('.'))).toEqual(['./ops/prometheus', './ops/alertmanager', './ops/grafana']);
  });
});
