import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PayingClients } from '../support/paying-clients.js';
import { PrimaryAndReplica } from '../support/primary-and-replica.js';
import { billing, type Ending } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

/** The promise: so long after there is a server that takes writes mutations succeed again, ms. */
const RECOVERED_MS_MAX = 15_000;
/** Long enough for some payments of each client, ms. */
const A_WHILE_MS = 2_000;
/** After so long a host that is well would be gone back to, ms. */
const WELL_FOR_MS = 12_000;

if (globalThis.TEST_DATABASE === 'mysql')
  describe('a gateway that knows a primary and its replica', () => {
    let pair: PrimaryAndReplica;
    let world: World;
    let app: TestApp;
    let clients: PayingClients;
    let primary: string;
    let replica: string;
    let faultOfReplica: string | null | undefined;
    let recoveredMs: number;
    let whileBothWrite: { readonly used: string | undefined; readonly fault: string | null | undefined; readonly ready: unknown };
    let begunAmongBoth: Ending;

    beforeAll(async () => {
      const made = await PrimaryAndReplica.create();
      if (made === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
      pair = made;
      [primary, replica] = [new URL(pair.urlOf(pair.primary)).host, new URL(pair.urlOf(pair.replica)).host];
      const url = pair.urlOf(pair.primary).replace(primary, `${primary},${replica}`);
      world = await World.create({ scratch: { url, drop: async () => undefined }, clock: 'running', tilledQuietMs: 3_000 });
      app = await world.app();
      const { customer } = await world.payer(app);
      await world.gateway.startWork();
      faultOfReplica = faultOf(replica);
      clients = new PayingClients(world, app, customer.id, 'replica');
      await sleep(A_WHILE_MS);
      await pair.demote();
      await sleep(A_WHILE_MS / 2);
      await pair.promote();
      const promotedAt = performance.now();
      await clients.untilTold(promotedAt);
      recoveredMs = clients.recoveredAfterMs(promotedAt);
      clients.report('promoted', recoveredMs);
      await pair.primary.kill();
      // What was set at run time is forgotten: it takes writes again.
      await pair.primary.start();
      await world.until(async () => faultOf(primary)?.startsWith('it takes writes beside') === true);
      await sleep(WELL_FOR_MS);
      whileBothWrite = { used: used(), fault: faultOf(primary), ready: await (await fetch(`${world.url}/readyz`)).json() };
      begunAmongBoth = await billing(['apps', 'list'], world.environment);
      await clients.stop();
    });
    afterAll(async () => {
      await world.gateway.worker.stop();
      world.gateway.clocks.stop();
      await world.close();
      await pair.close();
    });

    it('takes a replica that stands by for no fault', () => {
      expect(faultOfReplica).toBeNull();
    });

    it('goes over to the replica within 15 s of its promotion', () => {
      expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
      expect(whileBothWrite.used).toBe(replica);
    });

    it('stays there when the old primary comes back and takes writes, and says so', () => {
      const reason = `The database host ${primary} is not used: it takes writes beside the host in use, and is of no cluster with it: make it read-only.`;
      const degraded = [{ what: 'database_host', since: expect.stringMatching(/^\d{4}-.*Z$/), reason }];
      expect(whileBothWrite).toMatchObject({ used: replica, ready: { status: 'ready', degraded } });
    });

    it('does not guess, when it starts, which of two that take writes is right', () => {
      expect([begunAmongBoth.status, begunAmongBoth.stderr]).toEqual([
        78,
        expect.stringMatching(/^Several hosts of the database take writes and are no cluster: make all but the primary read-only\. /),
      ]);
    });

    it('has nothing against the old primary any more once that is read-only', async () => {
      const connection = await pair.primary.administer();
      await connection.query('set global read_only = 1');
      connection.destroy();
      await world.until(async () => faultOf(primary) === null);
      expect(used()).toBe(replica);
      expect(await billing(['apps', 'list'], world.environment)).toMatchObject({ status: 0, stderr: '' });
    });

    it('tells callers to repeat, and nothing else, and loses and doubles nothing', async () => {
      expect(clients.otherCodes()).toEqual([]);
      await clients.allIsThereOnce();
    });

    function used(): string | undefined {
      return world.gateway.database.hosts?.reports().find(({ isInUse }) => isInUse)?.name;
    }

    function faultOf(host: string): string | null | undefined {
      return world.gateway.database.hosts?.reports().find(({ name }) => name === host)?.fault;
    }
  });
else
  it('the embedded database has no hosts', async () => {
    const world = await World.create();
    expect(world.gateway.database.hosts).toBeNull();
    await world.end();
  });
