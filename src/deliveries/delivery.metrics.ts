import { Counter, Histogram } from 'prom-client';
import type { Database } from '../platform/db/database.js';
import { errorFields, type Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics.js';
import { WebhookDeliveryStatus } from './delivery.entity.js';
import { BY_OURSELVES } from './told-endpoint.js';

const { DELIVERED, FAILED, GAVE_UP } = WebhookDeliveryStatus;
const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 5, 15];

/** What this process counts of telling apps their events. Nothing of an app, endpoint or receiver becomes a label. */
export class DeliveryMetrics {
  readonly attempts: Counter<'outcome'>;
  readonly seconds: Histogram;
  readonly disabled: Counter<'reason'>;

  constructor({ registry }: Metrics) {
    const registers = [registry];
    this.attempts = new Counter({
      name: 'billing_event_delivery_attempts_total',
      help: 'Attempts to deliver an event to an endpoint of an app, by what came of it.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of [DELIVERED, FAILED, GAVE_UP]) this.attempts.inc({ outcome }, 0);
    this.seconds = new Histogram({
      name: 'billing_event_delivery_seconds',
      help: 'How long receivers of events take to answer.',
      buckets: SECONDS,
      registers,
    });
    this.disabled = new Counter({
      name: 'billing_webhook_endpoints_disabled_total',
      help: 'Endpoints of apps that were disabled because their receiver is gone or failed for five days, by which.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of BY_OURSELVES) this.disabled.inc({ reason }, 0);
  }
}

/** For each endpoint that is well one look into an index: what was not tried yet, the first of it. */
const STANDING = `select count(e.failing_since) as failing, min(case when e.failing_since is null then (
    select d.created_at from billing_webhook_deliveries d where d.app_id = e.app_id and d.endpoint_id = e.id
      and d.turn = 'new' and d.due_at is null order by d.position limit 1) end) as oldest
  from billing_webhook_endpoints e where e.is_enabled = 1`;

/** Shows how far telling apps is behind; left out while the database is away. */
export function exposeDeliveries(metrics: Metrics, database: Database, log: Log): void {
  const read = metrics.scraped.reading(
    () => standing(database),
    (error) => log.warn('deliveries not counted', errorFields(error)),
  );
  const gauge = (name: string, help: string, of: (counts: Standing) => number) =>
    metrics.gauge({
      name,
      help,
      async collect() {
        const counts = await read();
        if (counts === null) this.remove();
        else this.set(of(counts));
      },
    });
  gauge(
    'billing_event_delivery_lag_seconds',
    'How long the oldest event waits for its first attempt at an endpoint that is well. The same in every process.',
    ({ lagSeconds }) => lagSeconds,
  );
  gauge(
    'billing_webhook_endpoints_failing',
    'Enabled endpoints of apps whose last delivery failed. The same in every process.',
    ({ failing }) => failing,
  );
}

interface Standing {
  readonly lagSeconds: number;
  readonly failing: number;
}

async function standing(database: Database): Promise<Standing> {
  const { time } = database;
  const [row] = await database.query(`select ${time.now} as now_at, w.* from (${STANDING}) w`, []);
  const oldest = row?.['oldest'] ?? null;
  const lagMs = oldest === null ? 0 : time.read(row?.['now_at']).getTime() - time.read(oldest).getTime();
  return { lagSeconds: Math.max(0, lagMs / 1_000), failing: Number(row?.['failing'] ?? 0) };
}
