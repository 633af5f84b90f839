import { setTimeout as sleep } from 'node:timers/promises';

const MINUTE_MS = 60_000;
/** In each minute a node is killed at its beginning, started again, and another one is struck: after so long, ms. */
const [STARTED_MS, OTHER_MS, OTHER_ENDS_MS] = [20_000, 35_000, 47_000];
/** What happens to the other one, in turn. */
const OTHERS = [
  { what: 'frozen', begin: (node) => node.pause(), end: (node) => node.resume() },
  { what: 'cut off from the group', begin: (node) => node.cutOff('group'), end: (node) => node.joinAgain('group') },
  { what: 'cut off from its clients', begin: (node) => node.cutOff('clients'), end: (node) => node.joinAgain('clients') },
];

/**
 * Takes away one node of a cluster after the other, never two at once: kills, freezes, and networks that lose every packet. Each strike is
 * `{what, from, to}`, in ms of performance.now(), where `to` is when the cluster was whole again.
 */
export class NodeStrikes {
  strikes = [];
  /** How often a node did not come back to the group by itself, and had to be started again. */
  givenUp = 0;

  /** @param {import('../support/galera-cluster.mjs').GaleraCluster} cluster */
  constructor(cluster) {
    this.cluster = cluster;
  }

  /** For so many minutes: a kill in each, and one of the others. */
  async strike(minutes) {
    const begun = performance.now();
    for (let minute = 0; minute < minutes; minute += 1) {
      const until = (ms) => sleep(Math.max(0, begun + minute * MINUTE_MS + ms - performance.now()));
      await until(0);
      await this.#kill(this.#node(minute), () => until(STARTED_MS));
      await until(OTHER_MS);
      // Each of them meets each node, in nine minutes.
      await this.#other(OTHERS[minute % OTHERS.length], this.#node(minute + Math.floor(minute / OTHERS.length) + 1), () =>
        until(OTHER_ENDS_MS),
      );
      console.log(`minute ${minute + 1}`);
    }
    await sleep(Math.max(0, begun + minutes * MINUTE_MS - performance.now()));
  }

  #node(index) {
    return this.cluster.nodes[index % this.cluster.nodes.length];
  }

  async #kill(node, wait) {
    const strike = this.#begin('killed');
    await node.kill();
    await wait();
    await node.start();
    await this.#whole(strike, node);
  }

  async #other({ what, begin, end }, node, wait) {
    const strike = this.#begin(what);
    await begin(node);
    await wait();
    await end(node);
    await this.#whole(strike, node);
  }

  #begin(what) {
    const strike = { what, from: performance.now(), to: Number.POSITIVE_INFINITY };
    this.strikes.push(strike);
    return strike;
  }

  /** A node that could not find back in time disconnects for good, and waits for an operator. */
  async #whole(strike, node) {
    await this.cluster.whole().catch(async () => {
      this.givenUp += 1;
      await node.kill();
      await node.start();
      await this.cluster.whole();
    });
    strike.to = performance.now();
  }
}
