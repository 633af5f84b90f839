import type { Database } from '../../platform/db/database.js';
import type { PoolUse } from '../../platform/db/mysql.pool.js';
import { errorFields, type Log } from '../../platform/log.js';
import type { Metrics } from '../../platform/metrics.js';
import type { OperationalCounts, OperationalCountsReader } from './operational-counts.js';

/** Exposes the operational counts as gauges, read at each scrape, and left out while the database is down. */
export function exposeOperationalCounts(metrics: Metrics, report: OperationalCountsReader, database: Database, log: Log): void {
  const read = metrics.scraped.reading(
    () => report.read(),
    (error) => log.warn('standing not read', errorFields(error)),
  );
  databaseGauges(metrics, read, () => database.poolUse);
  for (const gauge of GAUGES) {
    metrics.gauge({
      name: gauge.name,
      help: gauge.help,
      labelNames: gauge.label === null ? [] : [gauge.label],
      async collect() {
        this.reset();
        const counts = await read();
        // What is not known is left out; a gauge without a label would stay, at 0.
        if (counts === null && gauge.label === null) this.remove();
        if (counts === null) return;
        for (const [label, value] of gauge.values(counts)) {
          if (gauge.label === null) this.set(value);
          else this.set({ [gauge.label]: label }, value);
        }
      },
    });
  }
}

function databaseGauges(metrics: Metrics, read: () => Promise<OperationalCounts | null>, poolUse: () => PoolUse): void {
  metrics.gauge({
    name: 'billing_database_up',
    help: 'Whether the database answered when this was asked for: 1 or 0.',
    async collect() {
      this.set((await read()) === null ? 0 : 1);
    },
  });
  metrics.gauge({
    name: 'billing_database_pool_connections',
    help: 'Connections of the pool of this process: in use, idle, and the most there may be.',
    labelNames: ['state'],
    async collect() {
      const { max, open, idle } = poolUse();
      this.set({ state: 'in_use' }, open - idle);
      this.set({ state: 'idle' }, idle);
      this.set({ state: 'max' }, max);
    },
  });
  metrics.gauge({
    name: 'billing_database_pool_waiting',
    help: 'Who waits for a connection of the pool of this process.',
    async collect() {
      this.set(poolUse().waiting);
    },
  });
}

/** One gauge: its label, if it has one, and its values by that label. */
interface CountsGauge {
  readonly name: string;
  readonly help: string;
  readonly label: string | null;
  readonly values: (counts: OperationalCounts) => Iterable<readonly [string, number]>;
}

const GAUGES: readonly CountsGauge[] = [
  {
    name: 'billing_webhook_events',
    help: 'Stored events that are not handled, by status. The same in every process.',
    label: 'status',
    values: ({ events }) => events,
  },
  {
    name: 'billing_webhook_unhandled_objects',
    help: 'Objects at Tilled that an event named and that were not looked at since, and events whose object is not queued yet. The same in every process.',
    label: null,
    values: ({ unhandled }) => [['', unhandled.count]],
  },
  {
    name: 'billing_webhook_lag_seconds',
    help: 'How long the oldest unhandled object has been waiting. The same in every process.',
    label: null,
    values: ({ unhandled }) => [['', unhandled.oldestSeconds]],
  },
  {
    name: 'billing_queue_jobs',
    help: 'Pieces of work in the queue, by state. The same in every process.',
    label: 'state',
    values: ({ jobs }) => jobs,
  },
  {
    name: 'billing_queue_oldest_due_seconds',
    help: 'How long the work that is due longest has been due. The same in every process.',
    label: null,
    values: ({ oldestDueSeconds }) => [['', oldestDueSeconds]],
  },
  {
    name: 'billing_app_events_unpublished',
    help: 'Events that apps are told and that are not in their feeds yet. The same in every process.',
    label: null,
    values: ({ unpublished }) => [['', unpublished.count]],
  },
  {
    name: 'billing_app_events_unpublished_oldest_seconds',
    help: 'How long the oldest event that is not in the feed of its app yet has been written. The same in every process.',
    label: null,
    values: ({ unpublished }) => [['', unpublished.oldestSeconds]],
  },
  {
    name: 'billing_unknown_outcomes',
    help: 'Payments and refunds whose outcome is unknown. The same in every process.',
    label: 'noun',
    values: ({ unknown }) => [...unknown].map(([noun, pile]) => [noun, pile.count] as const),
  },
  {
    name: 'billing_unknown_oldest_seconds',
    help: 'How long the oldest unknown outcome has been unknown. The same in every process.',
    label: 'noun',
    values: ({ unknown }) => [...unknown].map(([noun, pile]) => [noun, pile.oldestSeconds] as const),
  },
  {
    name: 'billing_subscriptions',
    help: 'Subscriptions that are not canceled, by status, counted at most once a minute. The same in every process.',
    label: 'status',
    values: ({ subscriptions }) => subscriptions,
  },
  {
    name: 'billing_disputes_unanswered',
    help: 'Disputes that wait for our evidence and were not conceded, by how long it may still be sent. The same in every process.',
    label: 'due',
    values: ({ unansweredDisputes }) => unansweredDisputes,
  },
  {
    name: 'billing_divergences_open',
    help: 'Differences between our books and those of Tilled that nobody has resolved, by class. The same in every process.',
    label: 'class',
    values: ({ divergences }) => divergences,
  },
  {
    name: 'billing_open_intents',
    help: 'Mutations of any kind whose outcome is not certain yet. The same in every process.',
    label: null,
    values: ({ intents }) => [['', intents.count]],
  },
  {
    name: 'billing_open_intents_oldest_seconds',
    help: 'How long ago the oldest mutation whose outcome is not certain was asked for. The same in every process.',
    label: null,
    values: ({ intents }) => [['', intents.oldestSeconds]],
  },
];
