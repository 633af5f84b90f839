import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const project = join(import.meta.dirname, '..', '..');
const START_MS_MAX = 60_000;
/** Clock ticks a second in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100;
/** What `npm start` of a build has Node started with. All peers have ours, so that no ratio is one of flags. */
const flagsOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts.start.match(/--\S+/g);
const children = new Set();

/**
 * A server in a process of its own.
 * @typedef {{ name: string, url: string, pid: number, startMs: number, stop(): Promise<void> }} Contestant
 */

/**
 * Starts a program of a build, ours if none is named, that listens on PORT, or what it calls it, and answers GET `ready` when it can serve.
 * @param {{ name: string, args: string[], folder?: string, environment?: Record<string, string>, ready?: string, portIs?: string }} what
 * @returns {Promise<Contestant>}
 */
export async function startContestant({ name, args, folder = project, environment = {}, ready = '/readyz', portIs = 'PORT' }) {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(process.execPath, ['--no-warnings', ...flagsOf(folder), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', HOST: '127.0.0.1', [portIs]: String(port), ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.add(child);
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(url + ready).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error(`${name} ended with status ${child.exitCode} before it answered.`);
    if (performance.now() - begun > START_MS_MAX) throw new Error(`${name} did not answer ${ready} within ${START_MS_MAX} ms.`);
    await sleep(5);
  }
  const startMs = performance.now() - begun;
  const stop = () => {
    children.delete(child);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000);
    return ended.then(() => clearTimeout(impatience));
  };
  return { name, url, pid: child.pid ?? 0, startMs, stop };
}

/** Ends every process that is still there. */
export function killAll() {
  for (const child of children) child.kill('SIGKILL');
}

/** CPU time a process has used, µs. */
export function cpuMicros(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return ((Number(user) + Number(system)) * 1_000_000) / TICKS;
}

/** Memory a process holds now, MB. */
export function rssMb(pid) {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** A port that nobody listens on now. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
