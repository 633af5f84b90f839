import { spawn } from 'node:child_process';

const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

const interruption = new AbortController();

/** Aborts at the first Ctrl-C, SIGTERM or hang-up; its reason is the exit code to end with. */
export const interrupted = interruption.signal;

/** From now on a signal ends our children instead of us, so that the one who started them can clean up. */
export function outliveSignals() {
  for (const signal of signals) {
    process.on(signal, () => {
      interruption.abort(exitCodes[signal]);
      for (const child of children) child.kill(signal);
    });
  }
}

/**
 * Runs a program to its end and resolves to its exit code. One that cannot be started, or that a signal ended, counts as 1; so does
 * one asked for after an interruption, which is not started at all.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options] by default the program uses our terminal
 */
export function run(command, args, options = {}) {
  if (interrupted.aborted) return Promise.resolve(1);
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    children.add(child);
    child.on('error', (error) => {
      children.delete(child);
      console.error(`Could not start ${command}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code) => {
      children.delete(child);
      resolve(code ?? 1);
    });
  });
}
