/**
 * The release before this one, beside which this one has to run: test/upgrade/release-before.json has its commit and its newest
 * migration. Its code comes from the history of this clone, where that has it:
 *
 *   node test/support/release-before.mjs     gets the commit, where the clone is a shallow one
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
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
 * The folder of the release before, built with the packages that its own lock names; kept for the next run.
 * @returns {string}
 */
export function builtReleaseBefore() {
  const built = path.join(project, 'node_modules/.cache', `billing-release-${RELEASE_BEFORE.commit.slice(0, 12)}`);
  if (existsSync(built)) return built;
  mkdirSync(path.dirname(built), { recursive: true });
  const made = mkdtempSync(`${built}-`);
  try {
    const archive = git('archive', '--format=tar', RELEASE_BEFORE.commit);
    spawnSync('tar', ['-x', '-C', made], { input: archive.stdout, stdio: ['pipe', 'inherit', 'inherit'] });
    run(made, 'npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund']);
    run(made, 'npm', ['run', '-s', 'build']);
    if (!existsSync(built)) renameSync(made, built);
    return built;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

const ARCHIVE_BYTES_MAX = 256 * 1024 ** 2;

/**
 * @param {string} folder
 * @param {string} program
 * @param {string[]} args
 */
function run(folder, program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The release before was not built: ${stdout}${stderr}`);
}

/** @param {string[]} args */
function git(...args) {
  // In a container the clone may be another user's.
  return spawnSync('git', ['-c', `safe.directory=${project}`, ...args], { cwd: project, maxBuffer: ARCHIVE_BYTES_MAX });
}

if (process.argv[1] === import.meta.filename) fetchReleaseBefore();
