import { setTimeout as sleep } from 'node:timers/promises';
import { Seeded } from './seeded.mjs';

const LOAD_MS = { least: 150, most: 700 };
/** Beyond the lease of 15 s and the quiet time of 12 s. */
const FREEZE_MS = { least: 15_500, most: 20_000 };
const PAUSE_MS = { least: 1_000, most: 5_000 };
const JUMP = 0.2;
const PRINTED_EVERY = 50;
/** The others answer meanwhile. */
const STARTING_MAX = 2;
/** How far a clock may be off: by so little that its process works, or by up to ten minutes, which keeps a worker from taking work, ms. */
const NEAR_MS = 25_000;
const FAR_MS = 600_000;

/** Kills, freezes and skews the processes of a stage, as the seed says. */
export class Strikes {
  frozen = 0;
  jumps = 0;
  #isOver = false;

  constructor(stage, seed) {
    this.stage = stage;
    this.random = new Seeded(`${seed} kills`);
    this.freezes = new Seeded(`${seed} freezes`);
  }

  /** Starts all processes. */
  async startAll() {
    for (const member of this.stage.members) await member.start(this.#offsetOf(member));
  }

  /** Kills so many times, each time one of the processes, and freezes one after the other meanwhile. */
  async strike(kills) {
    const freezing = this.#freezeAll();
    const starting = new Map();
    for (let killed = 0; killed < kills; killed += 1) {
      await sleep(this.random.between(LOAD_MS.least, LOAD_MS.most));
      if (this.random.chance(JUMP)) this.#jump(this.random.pick(this.stage.members));
      while (starting.size === STARTING_MAX) await Promise.race(starting.values());
      const victim = this.random.pick(this.stage.members.filter((member) => !starting.has(member)));
      await victim.end('SIGKILL');
      const start = victim.start(this.#offsetOf(victim)).finally(() => starting.delete(victim));
      starting.set(victim, start);
      if ((killed + 1) % PRINTED_EVERY === 0) console.log(`${killed + 1} kills`);
    }
    await Promise.all(starting.values());
    this.#isOver = true;
    await freezing;
    for (const member of this.stage.members) member.setClock(0);
  }

  async #freezeAll() {
    while (!this.#isOver) {
      await sleep(this.freezes.between(PAUSE_MS.least, PAUSE_MS.most));
      const ms = this.freezes.between(FREEZE_MS.least, FREEZE_MS.most);
      this.frozen += 1;
      await this.freezes.pick(this.stage.members).freeze(ms, () => this.stage.place.isLocked());
    }
  }

  #jump(member) {
    this.jumps += 1;
    member.setClock(this.#offsetOf(member));
  }

  /** The first worker is never so far off that it takes no work. */
  #offsetOf(member) {
    const { random } = this;
    const isNear = member === this.stage.workers[0] || random.chance(0.5);
    const most = isNear ? NEAR_MS : FAR_MS;
    return random.chance(0.25) ? 0 : random.between(-most, most);
  }
}
