import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Environment } from './processes.js';

const PRELOAD = path.join(import.meta.dirname, 'skewed-clock.mjs');

/** A clock of the wall for some processes of ours: the true one, shifted. Whoever gets its environment lives by it. */
export class OwnClock {
  private constructor(private readonly directory: string) {}

  /** A clock that is so much ahead of the true one, ms; behind if negative. */
  static async ahead(ms: number): Promise<OwnClock> {
    const clock = new OwnClock(await mkdtemp(path.join(tmpdir(), 'bg_clock_')));
    await clock.set(ms);
    return clock;
  }

  /** Variables with which a process lives by this clock. */
  get environment(): Environment {
    return { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_OFFSET_FILE: this.file };
  }

  /** From now on it is so much ahead, ms, also for processes that run. */
  async set(ms: number): Promise<void> {
    // Never half written to who reads.
    await writeFile(`${this.file}.new`, String(ms));
    await rename(`${this.file}.new`, this.file);
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  private get file(): string {
    return path.join(this.directory, 'offset');
  }
}
