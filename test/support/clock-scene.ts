import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from './fleet.js';
import { OwnClock } from './own-clock.js';
import { type Environment, freePort } from './processes.js';
import { Scrape } from './scrape.js';
import { type TestApp, World } from './world.js';

interface SceneOptions {
  /** Of the gateway in our own process, and of all others that are not told otherwise. */
  readonly tilledTimeoutMs: number;
  readonly quietSeconds: number;
}

/** A process of ours in a scene. */
interface Actor {
  /** Where it answers. */
  readonly url: string;
  readonly clock: OwnClock;
}

/**
 * A world on real time with any number of gateways and workers beside it, each a process with a clock of its own. The world's own gateway
 * has the true one, and no worker.
 */
export class ClockScene {
  private readonly clocks: OwnClock[] = [];

  private constructor(
    readonly world: World,
    readonly fleet: Fleet,
    readonly app: TestApp,
  ) {}

  static async open({ tilledTimeoutMs, quietSeconds }: SceneOptions): Promise<ClockScene> {
    const world = await World.create({ clock: 'running', tilledTimeoutMs, tilledQuietMs: quietSeconds * 1_000 });
    const fleet = new Fleet({
      ...world.environment,
      ...{ NODE_ENV: 'development', HOST: '127.0.0.1' },
      ...{ TILLED_TIMEOUT_MS: String(tilledTimeoutMs), TILLED_QUIET_SECONDS: String(quietSeconds) },
    });
    return new ClockScene(world, fleet, await world.app());
  }

  /** Ends all of it. Throws if the books are not right, as `World.close`. */
  async close(): Promise<void> {
    await this.fleet.close();
    await Promise.all(this.clocks.map((clock) => clock.close()));
    await this.world.close();
  }

  /** A clock of its own for some actors. */
  async clock(aheadMs: number): Promise<OwnClock> {
    const clock = await OwnClock.ahead(aheadMs);
    this.clocks.push(clock);
    return clock;
  }

  /** Starts a gateway; resolves once it is ready to serve. */
  async gateway(name: string, clock: OwnClock, tilledTimeoutMs?: number): Promise<Actor> {
    const port = await freePort();
    const patience: Environment = tilledTimeoutMs === undefined ? {} : { TILLED_TIMEOUT_MS: String(tilledTimeoutMs) };
    await this.fleet.startGateway(port, { ...clock.environment, ...patience }, name);
    return { url: `http://127.0.0.1:${port}`, clock };
  }

  /** Starts a worker; resolves once it is ready to work. */
  async worker(name: string, clock: OwnClock): Promise<Actor> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    this.fleet.startWorker(name, { ...clock.environment, BILLING_WORKER_PORT: String(port) });
    await this.until('the worker is ready', () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return { url, clock };
  }

  /** How many pieces of work a worker has tried. */
  async workOf({ url }: Actor): Promise<number> {
    return (await Scrape.from(url)).value('billing_jobs_total') ?? 0;
  }

  /** Asks once every `everyMs` until the answer is what is waited for; resolves to all answers. */
  async repeated<Answer>(ask: () => Promise<Answer>, isLast: (answer: Answer) => boolean, everyMs = 500): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(everyMs)) {
      const answer = await ask();
      answers.push(answer);
      if (isLast(answer)) return answers;
    }
    throw new Error(`It did not come to its end: ${JSON.stringify(answers.at(-1))} ${this.fleet.lines.join('\n')}`);
  }

  /** Waits until a check holds. */
  async until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(50)) if (await check()) return;
    throw new Error(`It never was that ${what}: ${this.fleet.lines.join('\n')}`);
  }
}

const PATIENCE_MS = 60_000;

/** What happened in a scene: played once, and asked by several tests. */
export class Scenario<Facts> {
  private facts: Promise<Facts> | null = null;

  constructor(private readonly play: () => Promise<Facts>) {}

  /** Plays it; resolves when it has ended, however. */
  async run(): Promise<void> {
    this.facts = this.play();
    await this.facts.catch(() => undefined);
  }

  /** What happened. Throws what the scenario ended with. */
  told(): Promise<Facts> {
    return this.facts ?? Promise.reject(new Error('It was not played.'));
  }
}
