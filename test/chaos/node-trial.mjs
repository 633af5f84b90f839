import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeStrikes } from './node-strikes.mjs';
import { groupBy } from './records.mjs';
import { answersLine, offLines } from './report.mjs';
import { timesTable, toldTable } from './times.mjs';

const MINUTES = 10;
/** Before the first strike, ms: code is compiled and connections are made in the first half. */
const [WARM_UP_MS, QUIET_MS] = [30_000, 60_000];

/** Nodes of the cluster go and come back, one at a time. */
export class NodeTrial {
  cast = { gateways: 3, workers: 2 };
  /** Clients wait for what a server that hangs is given, and repeat for a minute. */
  patience = { requestMsMax: 20_000, tries: 80 };
  minutes = Number(process.env.CHAOS_MINUTES ?? MINUTES);

  constructor(seed) {
    this.seed = seed;
  }

  get describedAs() {
    return `${this.minutes} minutes`;
  }

  /** Whether what it says is worth keeping. */
  get isFull() {
    return this.minutes >= MINUTES;
  }

  async run(stage, clients) {
    const { cluster } = stage.place;
    for (const member of stage.members) await member.start(0);
    this.strikes = new NodeStrikes(cluster);
    clients.start();
    await sleep(WARM_UP_MS);
    this.measuredFrom = performance.now();
    await sleep(QUIET_MS);
    await this.strikes.strike(this.minutes);
    this.measuredTo = performance.now();
    this.machine = `${cpus().length} processors, of which ${loadavg()[0]?.toFixed(1)} were wanted in the end`;
    await clients.stop();
  }

  /** What was done and found, in lines. */
  async report({ stage, clients, seconds, loadSeconds, off, sizes, events }) {
    const { strikes } = this.strikes;
    const measured = (spans) => spans.filter(({ from }) => from >= this.measuredFrom && from < this.measuredTo);
    const sent = measured(clients.sent);
    const all = { ...off, 'told INTERNAL': sent.filter(({ said }) => said === 'INTERNAL').map(({ from }) => `at ${Math.ceil(from)} ms`) };
    Object.assign(all, await this.#byCommand(stage));
    for (const member of stage.members) await member.end('SIGTERM');
    all['tables that differ between nodes'] = await stage.place.differences();
    const done = [...groupBy(strikes, ({ what }) => what)].map(([what, some]) => `${some.length} × ${what}`);
    const lines = [
      `3 nodes, ${stage.gateways.length} gateways, ${stage.workers.length} workers; ${loadSeconds} s of load, ${seconds} s in all; nodes ${done.join(', ')}, ${this.strikes.givenUp} × started again because it did not come back; ${this.machine}`,
      `${events} events; ${answersLine(clients)}`,
      sizes.join(', '),
      ...offLines(all),
      `Told to clients, repeats included: ${toldTable(sent).join(', ')}`,
      'Each answer, as it came:',
      ...timesTable(sent, strikes),
      'From the first time a request was sent until its definite answer, repeats and pauses between them included:',
      ...timesTable(measured(clients.waits), strikes),
    ];
    return { lines, off: all };
  }

  /** What `billing verify` and `billing reconcile` say. */
  async #byCommand(stage) {
    const verify = await stage.billing('verify');
    const reconcile = await stage.billing('reconcile');
    const report = JSON.parse(reconcile.said || '{}');
    return {
      'complaints of billing verify': verify.status === 0 ? [] : [verify.said],
      'differences of billing reconcile': reconcile.status === 0 && report.found === 0 && report.open === 0 ? [] : [reconcile.said],
    };
  }
}
