import { Counter } from 'prom-client';
import type { Metrics } from '../../metrics.js';
import type { Replica } from './replica.js';
import type { Replicas } from './replicas.js';

/** Counts statements that may see what is a little old, by the server that answered. */
export function staleReadsCounter({ registry }: Metrics): Counter<'server'> {
  const counter = new Counter({
    name: 'billing_stale_reads_total',
    help: 'Statements that may see what is a little old, by the server that answered; 0 without replicas.',
    labelNames: ['server'],
    registers: [registry],
  });
  for (const server of ['replica', 'primary']) counter.inc({ server }, 0);
  return counter;
}

/** Shows of each replica whether it is read from and how far it is behind; nothing in a process that uses none. */
export function exposeReplicas(metrics: Metrics, replicas: Replicas | null): void {
  const gauge = (name: string, help: string, measure: (replica: Replica) => number | null) =>
    metrics.gauge({
      name,
      help,
      labelNames: ['replica'],
      collect() {
        this.reset();
        for (const replica of replicas?.isRunning === true ? replicas.all : []) {
          const value = measure(replica);
          if (value !== null) this.set({ replica: replica.name }, value);
        }
      },
    });
  gauge('billing_replica_usable', 'Whether this process reads from the replica: 1 or 0.', (replica) =>
    replica.current() === null ? 0 : 1,
  );
  gauge(
    'billing_replica_lag_seconds',
    'What was committed in the last so many seconds the replica may lack; left out where that is not known.',
    ({ lagMs }) => (lagMs === null ? null : lagMs / 1000),
  );
}
