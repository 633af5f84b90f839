import { Counter, type CounterConfiguration, Gauge, Registry } from 'prom-client';

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

  readonly divergencesFound = this.counter({
    name: 'billing_divergences_found_total',
    help: 'Differences from the processor that comparisons found in this process, by class.',
    labelNames: ['class'],
  });

  readonly divergencesHealed = this.counter({
    name: 'billing_divergences_healed_total',
    help: 'Differences that a later look of this process found gone, by class.',
    labelNames: ['class'],
  });

  readonly reconciliations = this.counter({
    name: 'billing_reconciliations_total',
    help: 'Comparisons of all of an app with the processor that this process finished.',
  });

  readonly reconciledAt = new Gauge({
    name: 'billing_reconciled_timestamp_seconds',
    help: 'When this process last finished comparing an app with the processor; 0 if it never did.',
    registers: [this.registry],
  });

  private counter<Label extends string>(configuration: CounterConfiguration<Label>): Counter<Label> {
    return new Counter({ ...configuration, registers: [this.registry] });
  }
}
