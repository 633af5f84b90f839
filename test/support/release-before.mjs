/**
 * The release before this one, beside which this one has to run: test/upgrade/release-before.json has its commit and its newest
 * migration. Its code comes from the history of this clone, where that has it:
 *
 *   node test/support/release-before.mjs     gets the commit, where the clone is a shallow one
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const project = path.join(import.meta.dirname, '../..');

/** @type {{ commit: string, migration: string }} */
export const RELEASE_BEFORE = JSON.parse(readFileSync(path.join(project, 'test/upgrade/release-before.json'), 'utf8'));

/** Has this clone the code of the release before? */
export function hasReleaseBefore() {
  return git('cat-file', '-e', `${RELEASE_BEFORE.commit}^{tree}`).status === 0;
}

/** Asks where this clone came from for the release before; says nothing if it cannot be had: the tests that need it say so. */
export function fetchReleaseBefore() {
  if (!hasReleaseBefore()) git('fetch', '--quiet', '--depth=1', 'origin', RELEASE_BEFORE.commit);
}

/**
 * The folder of the release before, built; kept for the next run. It runs on the packages of this one.
 * @returns {string}
 */
export function builtReleaseBefore() {
  const built = path.join(project, 'node_modules/.cache', `billing-release-${RELEASE_BEFORE.commit.slice(0, 12)}`);
  if (existsSync(built)) return built;
  mkdirSync(path.dirname(built), { recursive: true });
  const made = mkdtempSync(`${built}-`);
  try {
    const archive = git('archive', '--format=tar', RELEASE_BEFORE.commit, 'src', 'migrations', 'bin', 'package.json', ...CONFIGS);
    spawnSync('tar', ['-x', '-C', made], { input: archive.stdout, stdio: ['pipe', 'inherit', 'inherit'] });
    symlinkSync(path.join(project, 'node_modules'), path.join(made, 'node_modules'));
    const compiler = path.join(project, 'node_modules/typescript/bin/tsc');
    // Where a package has changed its types since, it says so and emits all the same.
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: made, encoding: 'utf8' });
    if (!existsSync(path.join(made, 'dist/src/main.js'))) throw new Error(`The release before was not built: ${stdout}`);
    if (!existsSync(built)) renameSync(made, built);
    return built;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

const CONFIGS = ['tsconfig.json', 'tsconfig.build.json'];
const ARCHIVE_BYTES_MAX = 256 * 1024 ** 2;

/** @param {string[]} args */
function git(...args) {
  // In a container the clone may be another user's.
  return spawnSync('git', ['-c', `safe.directory=${project}`, ...args], { cwd: project, maxBuffer: ARCHIVE_BYTES_MAX });
}

if (process.argv[1] === import.meta.filename) fetchReleaseBefore();
