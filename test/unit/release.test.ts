import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { freePort, RunningProcess } from '../support/processes.js';

const LOCK = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({ dev: z.boolean().optional(), link: z.boolean().optional(), version: z.string().optional() }),
  ),
});
const SBOM = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(z.looseObject({ purl: z.string(), licenses: z.array(z.unknown()).min(1) })),
});

let directory: string;
let release: string;
let stem: string;
let version: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_release_'));
  release = path.join(directory, 'release');
  version = JSON.parse(await readFile('package.json', 'utf8')).version;
  stem = `billing-gateway-${version}`;
  expect(run(process.execPath, ['ops/release.mjs', '--to', release], '.')).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function run(program: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, stdout, stderr };
}

/** What is installed with the release, by the lock: name@version, each once. */
async function installed(): Promise<Set<string>> {
  const { packages } = LOCK.parse(JSON.parse(await readFile('package-lock.json', 'utf8')));
  const own = Object.entries(packages).filter(
    ([place, { dev, link }]) => place.startsWith('node_modules/') && dev !== true && link !== true,
  );
  return new Set(own.map(([place, one]) => `${place.replace(/^.*node_modules\//, '')}@${one.version}`));
}

describe('a release', () => {
  it('has the sum of each of its files', async () => {
    expect((await readdir(release)).toSorted()).toEqual(['SHA256SUMS', `${stem}.cdx.json`, `${stem}.licences.txt`, `${stem}.tgz`]);
    expect(run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], release)).toMatchObject({ status: 0 });
  });

  it('names every package that is installed with it, and its terms', async () => {
    const sbom = SBOM.parse(JSON.parse(await readFile(path.join(release, `${stem}.cdx.json`), 'utf8')));
    const listed = sbom.components.map(({ purl }) => decodeURIComponent(purl.replace('pkg:npm/', '').replace(/\?.*$/, '')));
    expect(new Set(listed)).toEqual(await installed());
    const licences = await readFile(path.join(release, `${stem}.licences.txt`), 'utf8');
    const titles = [...licences.matchAll(/^(\S+) (\d\S*): \S.*$/gm)].map(([, name, of]) => `${name}@${of}`);
    for (const one of await installed()) expect(titles).toContain(one);
  });

  it('holds what runs, and no test, source, secret or data', () => {
    const { stdout } = run('tar', ['--list', '--file', path.join(release, `${stem}.tgz`)], '.');
    const files = stdout.trim().split('\n');
    for (const file of [
      'bin/billing.mjs',
      'dist/src/main.js',
      'dist/web/portal/index.html',
      'npm-shrinkwrap.json',
      'ops/systemd/billing-gateway.service',
      'LICENSE',
    ])
      expect(files).toContain(`package/${file}`);
    const strange = files.filter(
      (file) =>
        !/^package\/(bin|dist\/(client\/src|src|migrations|web\/portal)|docs|ops\/[a-z]+)\/|^package\/[\w-]+\.(json|md|graphql)$|^package\/(LICENSE|client\/persisted-documents\.json|ops\/notify\.mjs)$/.test(
          file,
        ),
    );
    expect(strange).toEqual([]);
    expect(files.filter((file) => /(^|\/)(test|bench|secrets|node_modules|\.billing)\/|\.env$|\.db$|token$|advisories/.test(file))).toEqual(
      [],
    );
  });

  it('holds every program that a unit runs', async () => {
    const { stdout } = run('tar', ['--list', '--file', path.join(release, `${stem}.tgz`)], '.');
    const units = (await readdir('ops/systemd')).filter((name) => name.endsWith('.service'));
    expect(units.length).toBeGreaterThan(0);
    for (const unit of units) {
      const [, program] = /^ExecStart=.* ([\w/.-]+\.m?js)\b/m.exec(await readFile(path.join('ops/systemd', unit), 'utf8')) ?? [];
      expect(stdout.split('\n')).toContain(`package/${program}`);
    }
  });

  it('installs in an empty directory, says its version, and serves', async () => {
    const home = path.join(directory, 'package');
    run('tar', ['--extract', '--file', path.join(release, `${stem}.tgz`)], directory);
    expect(run('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--loglevel=error'], home)).toMatchObject({ status: 0 });
    expect(run(path.join(home, 'bin/billing.mjs'), ['--version'], home)).toMatchObject({ status: 0, stdout: `${version}\n` });
    const places = { BILLING_DATA_DIR: path.join(directory, 'data'), PORT: String(await freePort()), TILLED_SANDBOX_PORT: '0' };
    const running = await RunningProcess.start([path.join(home, 'dist/src/main.js')], places, '"gateway started"');
    expect(running.words).toContain(`"version":"${version}"`);
    expect(await running.end('SIGTERM')).toMatchObject({ status: 0, stderr: '' });
  });

  it('is not made of a package whose terms nobody looked at', async () => {
    const copy = path.join(directory, 'copy');
    await cp('ops/release.mjs', path.join(copy, 'ops/release.mjs'));
    await cp('package.json', path.join(copy, 'package.json'));
    const lock = LOCK.loose().parse(JSON.parse(await readFile('package-lock.json', 'utf8')));
    const packages = { ...lock.packages, 'node_modules/fastify': { ...lock.packages['node_modules/fastify'], license: 'AGPL-3.0-only' } };
    await writeFile(path.join(copy, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
    const { status, stderr } = run(process.execPath, ['ops/release.mjs', '--to', 'nowhere'], copy);
    expect([status, stderr]).toEqual([1, 'node_modules/fastify has the terms AGPL-3.0-only: look at them.\n']);
    expect(await readdir(copy)).not.toContain('nowhere');
  });
});
