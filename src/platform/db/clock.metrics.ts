import type { Metrics } from '../metrics.js';
import type { ClockWatch } from './clock-watch.js';

/** Shows how far our clock is from the database's, and those of its nodes from each other, once that is known. */
export function exposeClockSkew(metrics: Metrics, clocks: ClockWatch): void {
  metrics.gauge({
    name: 'billing_clock_skew_seconds',
    help: 'The clock of this process less that of the database.',
    collect() {
      if (clocks.skewMs === null) this.remove();
      else this.set(clocks.skewMs / 1000);
    },
  });
  metrics.gauge({
    name: 'billing_database_clocks_apart_seconds',
    help: 'How far the clocks of the nodes of the database are from each other, of those that this process was led to lately; 0 below 1.',
    collect() {
      if (clocks.skewMs === null) this.remove();
      else this.set(clocks.apartMs / 1000);
    },
  });
}
