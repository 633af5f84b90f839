import type { Clock } from '../clock.js';
import { plusMs } from '../clock.js';
import type { Degradation } from '../degradation.js';
import type { Metrics } from '../metrics.js';
import type { Database } from './database.js';

/** Shows which hosts of a database that has several can be used, once they were looked at. */
export function exposeHosts(metrics: Metrics, { hosts }: Pick<Database, 'hosts'>): void {
  metrics.gauge({
    name: 'billing_database_host_usable',
    help: 'Whether this process could use a host of its database: 1 if it serves or stands by as a replica, 0 if not.',
    labelNames: ['host'],
    collect() {
      this.reset();
      for (const { name, fault } of hosts?.reports() ?? []) this.set({ host: name }, fault === null ? 1 : 0);
    },
  });
}

/** The hosts that cannot be used, for those who ask how the process is. */
export function hostDegradation({ hosts }: Pick<Database, 'hosts'>, clock: Clock): readonly Degradation[] {
  const since = (sinceMs: number) => plusMs(clock.now(), sinceMs - performance.now()).toISOString();
  return (hosts?.reports() ?? []).flatMap(({ name, fault, sinceMs }) =>
    fault === null ? [] : [{ what: 'database_host', since: since(sinceMs), reason: `The database host ${name} is not used: ${fault}.` }],
  );
}
