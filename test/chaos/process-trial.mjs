import { setTimeout as sleep } from 'node:timers/promises';
import { faults, LIST_LAG_MS } from './faults.mjs';
import { answersLine, offLines } from './report.mjs';
import { Seeded } from './seeded.mjs';
import { Strikes } from './strikes.mjs';

const KILLS = 200;

/** Processes are killed, frozen and skewed while Tilled fails. */
export class ProcessTrial {
  cast = { gateways: 2, workers: 2 };
  kills = Number(process.env.CHAOS_KILLS ?? KILLS);

  constructor(seed) {
    this.seed = seed;
  }

  get describedAs() {
    return `${this.kills} kills`;
  }

  /** Whether what it says is worth keeping. */
  get isFull() {
    return this.kills >= KILLS;
  }

  /** The load with its faults, kills, freezes and jumping clocks. */
  async run(stage, clients) {
    this.strikes = new Strikes(stage, this.seed);
    await this.strikes.startAll();
    clients.start();
    await sleep(500);
    for (const fault of faults(new Seeded(`${this.seed} faults`))) await stage.control('faults', fault);
    await stage.control('lag', { listMs: LIST_LAG_MS });
    await this.strikes.strike(this.kills);
    ({ faults: this.struck } = await stage.control('faults'));
    await stage.control('faults', { clear: true });
    await stage.control('lag', { listMs: 0 });
    await clients.stop();
  }

  /** What was done and found, in lines. */
  report({ stage, clients, seconds, loadSeconds, off, sizes, events }) {
    const { frozen, jumps } = this.strikes;
    const hits = (which) => this.struck.filter(which).reduce((sum, fault) => sum + fault.hits, 0);
    const underWay = hits(({ when }) => when === 'during');
    const lines = [
      `${this.kills} kills, ${frozen} freezes and ${jumps} jumps of a clock in ${loadSeconds} s of load, ${stage.starts} starts; ${seconds} s in all`,
      `${hits(() => true)} faults at Tilled, ${underWay} of them under way meanwhile; ${events} events`,
      answersLine(clients),
      sizes.join(', '),
      ...offLines(off),
    ];
    return { lines, off };
  }
}
