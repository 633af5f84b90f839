import type { Worker } from './worker.js';

/** The workers of a process as one: each has its own slots, so that none waits for another's work. */
export class Workers {
  private readonly all: readonly Worker[];

  constructor(...all: readonly Worker[]) {
    this.all = all;
  }

  /** Works until stopped. */
  start(): void {
    for (const worker of this.all) worker.start();
  }

  /** Finishes what is in progress and takes no more. */
  async stop(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.stop()));
  }

  /** Does everything that is due now, and what comes due while at it; returns how many pieces. */
  async drain(): Promise<number> {
    for (let done = 0; ; ) {
      let taken = 0;
      for (const worker of this.all) taken += await worker.drain();
      if (taken === 0) return done;
      done += taken;
    }
  }
}
