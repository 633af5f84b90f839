import { Counter, type CounterConfiguration, Registry } from 'prom-client';

/**
 * Everything that is counted and timed in this process, each under its name for Prometheus. Labels take their values from
 * closed lists: no id, address or text of a caller ever becomes one.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly webhookDeliveries = this.counter({
    name: 'billing_webhook_deliveries_total',
    help: 'Deliveries to the webhook route, by what became of them.',
    labelNames: ['outcome'],
  });

  readonly jobFailures = this.counter({
    name: 'billing_job_failures_total',
    help: 'Tries of queued work that failed for a fault of ours, by kind of work and whether it is tried again.',
    labelNames: ['kind', 'fate'],
  });

  private counter<Label extends string>(configuration: CounterConfiguration<Label>): Counter<Label> {
    return new Counter({ ...configuration, registers: [this.registry] });
  }
}
