import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GaleraCluster, type GaleraNode } from '../support/galera-cluster.mjs';
import { PayingClients } from '../support/paying-clients.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

/** The promise: so long after a node was lost mutations succeed again, ms. */
const RECOVERED_MS_MAX = 15_000;
/** Long enough for some payments of each client, ms. */
const A_WHILE_MS = 2_000;

/** Ways to lose a node, and to bring it back; the last before the first, for the node that is looked for last. */
const LOSSES: Readonly<
  Record<string, { lose: (node: GaleraNode) => Promise<void> | void; bring: (node: GaleraNode) => Promise<void> | void }>
> = {
  killed: { lose: (node) => node.kill(), bring: (node) => node.start() },
  frozen: { lose: (node) => node.pause(), bring: (node) => node.resume() },
  'cut off from its clients': { lose: (node) => node.cutOff('clients'), bring: (node) => node.joinAgain('clients') },
  'cut off from the other nodes': { lose: (node) => node.cutOff('group'), bring: (node) => node.joinAgain('group') },
  'read-only': { lose: (node) => tell(node, 'set global read_only = 1'), bring: (node) => tell(node, 'set global read_only = 0') },
};

/** What was seen of one loss. */
interface Seen {
  /** How long after it the first request was answered that was sent after it, ms. */
  readonly recoveredMs: number;
  readonly usedBefore: string | undefined;
  readonly usedAfter: string | undefined;
  readonly readyStatus: number;
  /** What /readyz said of hosts. */
  readonly reasons: readonly string[];
  /** What the metrics said of the node that was lost. */
  readonly usable: number | null;
}

describe('a gateway that knows every node of a cluster', () => {
  let cluster: GaleraCluster;
  let world: World;
  let app: TestApp;
  let clients: PayingClients;
  const seen = new Map<string, Seen>();

  beforeAll(async () => {
    cluster = await GaleraCluster.create();
    const scratch = { url: cluster.urlOf({ user: 'billing' }), drop: async () => undefined };
    world = await World.create({ scratch, clock: 'running', tilledQuietMs: 3_000 });
    app = await world.app();
    const { customer } = await world.payer(app);
    await world.gateway.startWork();
    clients = new PayingClients(world, app, customer.id, 'hosts');
    for (const [what, how] of Object.entries(LOSSES)) seen.set(what, await lost(what, how));
    await world.until(async () => used() === nameOf(cluster.nodes[0]));
    await clients.stop();
  });
  afterAll(async () => {
    await world.gateway.worker.stop();
    world.gateway.clocks.stop();
    await world.close();
    await cluster.close();
  });

  it.each(Object.keys(LOSSES))('goes on within 15 s on another when the node that it uses is %s, and says so', (what) => {
    const { recoveredMs, usedBefore, usedAfter, readyStatus, reasons, usable } = seen.get(what) as Seen;
    expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
    expect(usedAfter).not.toBe(usedBefore);
    expect(readyStatus).toBe(200);
    // One that is read-only stands by: that is no fault.
    const isFault = what !== 'read-only';
    expect(reasons).toEqual(isFault ? [expect.stringContaining(`The database host ${usedBefore} is not used: `)] : []);
    expect(usable).toBe(isFault ? 0 : 1);
  });

  it('goes back to the first node when that is well again', () => {
    expect(used()).toBe(nameOf(cluster.nodes[0]));
  });

  it('tells callers to repeat, and nothing else, and loses and doubles nothing', async () => {
    expect(clients.otherCodes()).toEqual([]);
    await clients.allIsThereOnce();
  });

  async function lost(what: string, { lose, bring }: (typeof LOSSES)[string] & {}): Promise<Seen> {
    await sleep(A_WHILE_MS);
    const usedBefore = used();
    const node = cluster.nodes.find((each) => nameOf(each) === usedBefore);
    if (node === undefined) throw new Error('No node is used.');
    await lose(node);
    const lostAt = performance.now();
    await clients.untilTold(lostAt);
    const recoveredMs = clients.recoveredAfterMs(lostAt);
    await world.until(async () => used() !== usedBefore);
    // A node that lost the others looks for them first, and is left for that already.
    await world.until(async () => what === 'read-only' || reportOf(usedBefore)?.fault !== null);
    const ready = await fetch(`${world.url}/readyz`);
    const { degraded = [] } = (await ready.json()) as { degraded?: readonly { what: string; reason: string }[] };
    const usable = (await Scrape.from(world.url)).value('billing_database_host_usable', { host: String(usedBefore) });
    clients.report(what, recoveredMs);
    const reasons = degraded.filter((each) => each.what === 'database_host').map(({ reason }) => reason);
    const found = { recoveredMs, usedBefore, usedAfter: used(), readyStatus: ready.status, reasons, usable };
    await bring(node);
    await cluster.whole();
    return found;
  }

  function used(): string | undefined {
    return reports().find(({ isInUse }) => isInUse)?.name;
  }

  function reportOf(host: string | undefined) {
    return reports().find(({ name }) => name === host);
  }

  function reports() {
    return world.gateway.database.hosts?.reports() ?? [];
  }
});

function nameOf({ address }: GaleraNode): string {
  return `${address}:3306`;
}

async function tell(node: GaleraNode, statement: string): Promise<void> {
  const connection = await node.administer();
  await connection.query(statement);
  connection.destroy();
}
