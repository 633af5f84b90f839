import { setTimeout as sleep } from 'node:timers/promises';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { randomNumbers, TilledByHand } from './changes-at-tilled.js';
import { TEST_ENCRYPTION, TEST_ENCRYPTION_KEY } from './encryption.js';
import { Fleet } from './fleet.js';
import { HostileWire } from './hostile-wire.js';
import { type Environment, freePort } from './processes.js';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.js';

interface HostileWorldParts {
  readonly scratch: ScratchDatabase;
  readonly sandbox: Sandbox;
  readonly wire: HostileWire;
  readonly fleet: Fleet;
  readonly foundation: Foundation;
  readonly tilled: TilledByHand;
  readonly environment: Environment;
  readonly url: string;
  readonly key: string;
}

const APP = 'shop';
const FIVE_MINUTES_MS = 300_000;

/** One gateway and its workers as real processes on one database, the sandbox on real time, and between them a wire that shuffles, doubles and loses. */
export class HostileWorld {
  private constructor(private readonly parts: HostileWorldParts) {}

  static async create(seed: number): Promise<HostileWorld> {
    const scratch = await createScratchDatabase();
    const sandbox = await startSandbox({ port: 0, seed, webhookConcurrency: 16, requestLog: false });
    const partner = await sandbox.provision({ name: 'Partner', type: 'partner' });
    const merchant = await sandbox.provision({ name: 'Merchant', type: 'merchant', partnerId: partner.accountId });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    let secret = '';
    const wire = await HostileWire.open({
      sign: (rawBody) => signPayload({ secret, rawBody, timestampMs: Date.now() }),
      target: `${url}/api/billing/webhooks`,
      ...{ random: randomNumbers(seed), window: 150, lost: 0.03, doubled: 0.2, senders: 12 },
    });
    const endpoint = await new TilledByHand(sandbox.url, partner).ask<{ secret: string }>('POST', '/v1/webhook-endpoints', {
      url: wire.url,
      enabled_events: ['*'],
    });
    secret = endpoint.secret;
    const environment = {
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      DATABASE_URL_BILLING: scratch.url,
      BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
      TILLED_BASE_URL: sandbox.url,
      TILLED_SECRET_KEY: partner.secretKey,
      TILLED_PUBLIC_KEY: partner.publishableKey,
      TILLED_WEBHOOK_SECRET: endpoint.secret,
      TILLED_ACCOUNT_ID: partner.accountId,
    };
    const { database } = readConfig({ DATABASE_URL_BILLING: scratch.url }, process.cwd());
    const foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
    await foundation.migrator.migrate();
    await foundation.access.createApp({ id: APP, name: 'Shop', tilledAccountId: merchant.accountId });
    const { key } = await foundation.access.createKey(APP, 'service');
    const fleet = new Fleet(environment);
    await fleet.startGateway(port);
    const tilled = new TilledByHand(sandbox.url, merchant);
    return new HostileWorld({ scratch, sandbox, wire, fleet, foundation, tilled, environment, url, key });
  }

  get wire(): HostileWire {
    return this.parts.wire;
  }

  get fleet(): Fleet {
    return this.parts.fleet;
  }

  get tilled(): TilledByHand {
    return this.parts.tilled;
  }

  get database() {
    return this.parts.foundation.database;
  }

  get environment(): Environment {
    return this.parts.environment;
  }

  async close(): Promise<void> {
    await this.parts.wire.close();
    await this.parts.fleet.close();
    await this.parts.sandbox.close();
    await this.parts.foundation.database.close();
    await this.parts.scratch.drop();
  }

  /** Sends a typed operation as the app and expects data without errors. */
  async ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const response = await fetch(`${this.parts.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.parts.key}` },
      body: JSON.stringify({ query: print(document), variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data | null; errors?: unknown };
    if (data === null || errors !== undefined) throw new Error(`HTTP ${response.status}: ${JSON.stringify(errors)}`);
    return data;
  }

  /** The rows of a table of the app, as instances of its entity, oldest first. */
  async rows<Row extends object>(entity: new () => Row): Promise<Row[]> {
    const table = this.database.table(entity);
    const raws = await this.database.query(`select ${table.selectList} from ${table.name} where app_id = ? order by id`, [APP]);
    return raws.map((raw) => table.fromRaw(raw));
  }

  /** Lets five minutes pass for queued work: what waits for its next try is due, and leases that ran meanwhile are over. */
  async letTimePass(): Promise<void> {
    const earlier = this.database.isEmbedded ? `due_at - ${FIVE_MINUTES_MS}` : 'date_sub(due_at, interval 5 minute)';
    const sql = `update billing_jobs set due_at = ${earlier} where kind not in ('webhook.backfill', 'reconcile', 'retention.sweep')`;
    // It meets the locks of every worker at once and may lose against them time and again.
    for (let tries = 1; ; tries += 1) {
      const error = await this.database
        .transaction((em) => this.database.run(sql, [], em))
        .then(
          () => null,
          (reason: unknown) => reason,
        );
      if (error === null) return;
      if (tries === 20) throw error;
      await sleep(50);
    }
  }
}

/** Does `work` for each item, some at a time. */
export async function forEachOf<Item>(items: readonly Item[], concurrency: number, work: (item: Item, index: number) => Promise<void>) {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as Item, index);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}
