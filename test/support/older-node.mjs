import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const project = join(import.meta.dirname, '../..');
/** What the client promises to run on, and what the gateway needs. */
const OLDEST = 20;
const OURS = 24;

/**
 * A Node that is older than ours and that the client promises to run on; null where this machine has none besides the one of `npm ci`.
 * @returns {string | null}
 */
export function olderNode() {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/bin', '/usr/bin'].filter(Boolean);
  const programs = directories.map((directory) => join(directory, 'node')).filter((program) => existsSync(program));
  const others = new Set(programs.map((program) => realpathSync(program)).filter((program) => !program.startsWith(project)));
  for (const program of others) {
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]);
    if (major >= OLDEST && major < OURS) return program;
  }
  return null;
}
