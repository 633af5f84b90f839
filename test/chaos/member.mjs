import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SKEWED_CLOCK = import.meta.resolve('../support/skewed-clock.mjs');
const START_MS_MAX = 180_000;
/** A start that meets a database which a frozen process holds may fail. */
const STARTS_MAX = 5;
const FREEZES_TRIED = 20;

/** A gateway or worker as a process of its own, with a clock of its own: it can be killed, frozen, started again, and its clock can jump. */
export class Member {
  starts = 0;
  #child = null;

  /** @param {{ name: string, args: string[], environment: Record<string, string>, health: string, log: number }} parts `health`: a URL that answers once it runs; its clock is in the CLOCK_OFFSET_FILE of its environment */
  constructor({ name, args, environment, health, log }) {
    Object.assign(this, { name, args, environment, health, log });
  }

  /** Starts it with a clock that is off by so much; resolves when it answers. */
  async start(offsetMs) {
    this.setClock(offsetMs);
    for (let tries = 1; ; tries += 1) {
      if (await this.#startOnce()) return;
      if (tries === STARTS_MAX) throw new Error(`${this.name} did not start: see its log.`);
      await sleep(1_000);
    }
  }

  /** From now on its clock is off by so much, ms. */
  setClock(offsetMs) {
    const file = this.environment.CLOCK_OFFSET_FILE;
    // Never half written to who reads.
    writeFileSync(`${file}.new`, String(offsetMs));
    renameSync(`${file}.new`, file);
  }

  /** It does nothing for so long, and then goes on as if nothing had happened. Not where it is `inTheWay` of all others. */
  async freeze(ms, inTheWay) {
    const child = this.#child;
    if (!this.#isRunning) return;
    child.kill('SIGSTOP');
    for (let tries = 1; await inTheWay(); tries += 1) {
      child.kill('SIGCONT');
      if (tries === FREEZES_TRIED) return;
      await sleep(50);
      child.kill('SIGSTOP');
    }
    await sleep(ms);
    child.kill('SIGCONT');
  }

  /** Ends it; resolves when it is dead. */
  async end(signal) {
    if (!this.#isRunning) return;
    const dead = once(this.#child, 'exit');
    this.kill(signal);
    await dead;
  }

  /** Sends it a signal, if it runs. */
  kill(signal) {
    this.#child?.kill(signal);
  }

  get #isRunning() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #startOnce() {
    this.starts += 1;
    const args = ['--import', SKEWED_CLOCK, ...this.args];
    const child = spawn(process.execPath, args, { env: this.environment, stdio: ['ignore', this.log, this.log] });
    this.#child = child;
    for (const from = Date.now(); Date.now() - from < START_MS_MAX; await sleep(25)) {
      if (child.exitCode !== null) return false;
      const isUp = await fetch(this.health, { signal: AbortSignal.timeout(5_000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (isUp) return true;
    }
    throw new Error(`${this.name} did not answer: see its log.`);
  }
}
