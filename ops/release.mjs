/**
 * Makes the files of a release in release/ (`--to DIR`: elsewhere):
 *
 *   npm run release
 *
 *   billing-gateway-X.tgz       what runs: `npm ci` in it installs the very packages that were tested
 *   billing-gateway-X.cdx.json  what is in it, as CycloneDX
 *   billing-gateway-X.licences.txt   whose work that is, and under which terms
 *   SHA256SUMS
 *
 * It fails if a package has other terms than those of TERMS, so that somebody looks at them first.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';

const project = join(import.meta.dirname, '..');
/** Terms that ask for no more than that they are kept with the work. */
const TERMS = ['MIT', 'MIT-0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'Unlicense'];
/** Scripts and styles of pages, under dist. */
const ASSETS = join('web', 'portal', 'assets', sep);
/** What npm calls a lock that goes along with a package. */
const LOCK = 'npm-shrinkwrap.json';

const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
const { name, version, files } = manifest;
const given = process.argv.indexOf('--to');
const target = resolve(given === -1 ? join(project, 'release') : (process.argv[given + 1] ?? 'release'));
const stem = `${name}-${version}`;

const terms = licences();
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
run('npm', ['run', '-s', 'build'], project);
const copy = mkdtempSync(join(tmpdir(), 'billing-release-'));
try {
  fill();
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', target], copy);
  writeFileSync(join(target, `${stem}.cdx.json`), run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], copy));
} finally {
  rmSync(copy, { recursive: true, force: true });
}
writeFileSync(join(target, `${stem}.licences.txt`), terms);
writeFileSync(join(target, 'SHA256SUMS'), sums());
console.log(`Made ${stem} in ${target}.`);

/**
 * Makes what is packed: only what runs, and a lock without what only we need. `npm sbom --omit dev` would leave out what a
 * development dependency needs too, and that is half of it.
 */
function fill() {
  for (const file of [...files, 'README.md', 'LICENSE'].filter((one) => one !== LOCK))
    cpSync(join(project, file), join(copy, file), { recursive: true, filter: isOfToday });
  const { devDependencies: _, scripts: __, workspaces: ___, ...shipped } = manifest;
  writeFileSync(join(copy, 'package.json'), `${JSON.stringify(shipped, null, 2)}\n`);
  const { devDependencies: ____, workspaces: _____, ...own } = lock.packages[''];
  const needed = Object.fromEntries(installed());
  writeFileSync(join(copy, LOCK), `${JSON.stringify({ ...lock, packages: { '': own, ...needed } }, null, 2)}\n`);
}

/**
 * Not what an earlier build left of a source that is gone, nor scripts and styles that no page of today names.
 * @param {string} from
 */
function isOfToday(from) {
  const path = relative(join(project, 'dist'), from);
  if (path.startsWith(ASSETS))
    return readFileSync(join(project, 'dist/web/portal/index.html'), 'utf8').includes(basename(path).replace(/\.(br|gz)$/, ''));
  return path.startsWith('..') || !/\.js(\.map)?$/.test(path) || existsSync(join(project, path.replace(/\.js(\.map)?$/, '.ts')));
}

/** What is installed with the release: packages of others, and not the client, which is a package by itself. */
function installed() {
  return Object.entries(lock.packages).filter(([path, { dev, link }]) => path.startsWith('node_modules/') && !dev && !link);
}

/** Every package that is installed with the release, its terms, and their text where the package brings it. */
function licences() {
  const strange = installed().filter(([, { license }]) => !areKnown(license));
  if (strange.length > 0) {
    console.error(strange.map(([path, { license }]) => `${path} has the terms ${license ?? 'nobody says'}: look at them.`).join('\n'));
    process.exit(1);
  }
  const texts = installed().map(([path, { version: of, license }]) => {
    const title = `${path.replace(/^.*node_modules\//, '')} ${of}: ${license}`;
    return [title, ...textsIn(join(project, path))].join('\n\n');
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @param {string | undefined} license an SPDX expression; of several by choice, one must be known */
function areKnown(license = '') {
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((one) => TERMS.includes(one)));
}

/** @param {string} directory of a package */
function textsIn(directory) {
  const names = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License', 'LICENSE-MIT', 'LICENSE-MIT.txt', 'NOTICE'];
  return names
    .map((one) => join(directory, one))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').trim());
}

function sums() {
  const made = [`${stem}.tgz`, `${stem}.cdx.json`, `${stem}.licences.txt`];
  return made
    .map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(join(target, file)))
          .digest('hex')}  ${file}\n`,
    )
    .join('');
}

/**
 * Runs a program to its end, and ends with it if it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(program, args, cwd) {
  const { status, stdout } = spawnSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}
