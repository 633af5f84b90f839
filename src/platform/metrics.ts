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

  readonly cardDataRefusals = this.counter({
    name: 'billing_card_data_refusals_total',
    help: 'Requests refused for card or bank data in them, by what was found.',
    labelNames: ['kind'],
  });

  readonly rateLimited = this.counter({
    name: 'billing_rate_limited_total',
    help: 'Requests and deliveries refused with 429, by the limit they met.',
    labelNames: ['limit'],
  });

  readonly limitStoreFailures = this.counter({
    name: 'billing_limit_store_failures_total',
    help: 'How often the shared store of limits could not be reached, so that this process counted alone for a while.',
  });

  private counter<Label extends string>(configuration: CounterConfiguration<Label>): Counter<Label> {
    return new Counter({ ...configuration, registers: [this.registry] });
  }
}
