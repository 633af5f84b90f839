import type { Metrics } from '../metrics.js';
import type { ClockWatch } from './clock-watch.js';

/** Shows how far the clock of this process is from the database's, once that is known. */
export function exposeClockSkew(metrics: Metrics, clocks: ClockWatch): void {
  metrics.gauge({
    name: 'billing_clock_skew_seconds',
    help: 'The clock of this process less that of the database.',
    collect() {
      if (clocks.skewMs === null) this.remove();
      else this.set(clocks.skewMs / 1000);
    },
  });
}
