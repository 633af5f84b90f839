import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';
import { CARD_DATA_KINDS } from './card-data.js';
import * as known from './metric-values.js';
import { ScrapedReads } from './scraped-reads.js';

/**
 * Everything that is counted and timed in this process, each under its name for Prometheus. Labels take their values
 * from closed lists: no id, address or text of a caller ever becomes one. docs/metrics.md says what each means; a test
 * compares.
 */
export class Metrics {
  readonly registry = new Registry();
  /** How gauges read what is in the database. */
  readonly scraped = new ScrapedReads();

  readonly webhookDeliveries = this.counter({
    name: 'billing_webhook_deliveries_total',
    help: 'Deliveries to the webhook route, by what became of them.',
    labelNames: ['outcome'],
    values: { outcome: known.DELIVERY_OUTCOMES },
  });

  readonly webhookHandling = this.histogram({
    name: 'billing_webhook_handling_seconds',
    help: 'From storing an event until its object is recorded.',
    buckets: known.HANDLING_SECONDS,
  });

  readonly payments = this.transitions('billing_payments_total', 'Payments that came into a state.', known.PAYMENT_STATES);
  readonly refunds = this.transitions('billing_refunds_total', 'Refunds that came into a state.', known.REFUND_STATES);
  readonly subscriptions = this.transitions(
    'billing_subscription_transitions_total',
    'Subscriptions that came into a state.',
    known.SUBSCRIPTION_STATES,
  );

  readonly captured = this.counter({
    name: 'billing_captured_minor_total',
    help: 'Money that payments captured, in minor units of the currency.',
    labelNames: ['currency'],
    values: { currency: ['usd'] },
  });

  readonly refunded = this.counter({
    name: 'billing_refunded_minor_total',
    help: 'Money that refunds gave back, in minor units of the currency.',
    labelNames: ['currency'],
    values: { currency: ['usd'] },
  });

  readonly disputesOpened = this.counter({ name: 'billing_disputes_opened_total', help: 'Disputes heard of for the first time.' });

  readonly mutationSeconds = this.histogram({
    name: 'billing_mutation_seconds',
    help: "How long mutations that ask the processor take: in all, waiting for Tilled, and the rest, which is ours. Tilled's part is 0 for a replay.",
    labelNames: ['operation', 'step'],
    buckets: known.REQUEST_SECONDS,
  });

  readonly tilledCalls = this.counter({
    name: 'billing_tilled_calls_total',
    help: 'Calls to Tilled, each try, by operation and how they ended.',
    labelNames: ['operation', 'outcome'],
  });

  readonly tilledSeconds = this.histogram({
    name: 'billing_tilled_call_seconds',
    help: 'How long calls to Tilled take, each try.',
    labelNames: ['operation'],
    buckets: known.REQUEST_SECONDS,
  });

  readonly sqlSeconds = this.histogram({
    name: 'billing_sql_seconds',
    help: 'How long statements take, by verb and the first table they name; begin includes waiting for a connection, commit for the disk.',
    labelNames: ['verb', 'table'],
    buckets: known.STATEMENT_SECONDS,
  });

  readonly databaseErrors = this.counter({
    name: 'billing_database_errors_total',
    help: 'Statements and transactions that the database failed.',
    labelNames: ['kind'],
    values: { kind: known.DATABASE_FAILURES },
  });

  readonly databaseHostSwitches = this.counter({
    name: 'billing_database_host_switches_total',
    help: 'How often this process went over to another host of its database, or back.',
  });

  readonly httpSeconds = this.histogram({
    name: 'billing_http_request_seconds',
    help: 'How long HTTP requests take, by route pattern and status.',
    labelNames: ['route', 'status'],
    values: known.API_ANSWERS,
    buckets: known.REQUEST_SECONDS,
  });

  readonly graphqlOperations = this.counter({
    name: 'billing_graphql_operations_total',
    help: 'Root fields answered, by field and outcome: OK, the first user error code, or the error code. `none` where no field was reached.',
    labelNames: ['field', 'outcome'],
  });

  readonly jobs = this.counter({
    name: 'billing_jobs_total',
    help: 'Pieces of queued work that were tried, by kind and how it ended.',
    labelNames: ['kind', 'outcome'],
  });

  readonly jobSeconds = this.histogram({
    name: 'billing_job_seconds',
    help: 'How long pieces of queued work take.',
    labelNames: ['kind'],
    buckets: known.REQUEST_SECONDS,
  });

  readonly divergenceRisks = this.counter({
    name: 'billing_divergence_risk_total',
    help: 'Log lines with divergence_risk: our books and the processor disagree in a way that a person must look at.',
  });

  readonly logLines = this.counter({
    name: 'billing_log_lines_total',
    help: 'Log events, by level.',
    labelNames: ['level'],
    values: { level: ['warn', 'error'] },
  });

  readonly logLinesLost = this.counter({
    name: 'billing_log_lines_lost_total',
    help: 'Lines of the log that never arrived, by where they should have: a disk was full, a directory gone, or nobody read.',
    labelNames: ['to'],
    values: { to: ['stdout', 'file'] },
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

  readonly reconciliations = this.counter({ name: 'billing_reconciliations_total', help: 'Apps compared with Tilled by this process.' });

  readonly reconciledAt = this.gauge({
    name: 'billing_reconciled_timestamp_seconds',
    help: 'When this process last finished comparing an app with the processor; 0 if it never did.',
  });

  readonly cardDataRefusals = this.counter({
    name: 'billing_card_data_refusals_total',
    help: 'Requests refused for card or bank data in them, by what was found.',
    labelNames: ['kind'],
    values: { kind: CARD_DATA_KINDS },
  });

  readonly rateLimited = this.counter({
    name: 'billing_rate_limited_total',
    help: 'Requests and deliveries refused with 429, by the limit they met.',
    labelNames: ['limit'],
    values: { limit: ['requests', 'failed_authentications', 'webhooks'] },
  });

  readonly limitStoreFailures = this.counter({
    name: 'billing_limit_store_failures_total',
    help: 'How often the shared store of limits could not be reached, so that this process counted alone for a while.',
  });

  readonly jobFailures = this.counter({
    name: 'billing_job_failures_total',
    help: 'Tries of queued work that failed for a fault of ours, by kind of work and whether it is tried again.',
    labelNames: ['kind', 'fate'],
  });

  /** Counts an object that came into a state; nouns without a counter are left alone. */
  countTransition(noun: string, to: string): void {
    const counters: Readonly<Record<string, Counter<'state'>>> = {
      payment: this.payments,
      refund: this.refunds,
      subscription: this.subscriptions,
    };
    counters[noun]?.inc({ state: to });
  }

  /** Times a mutation that was carried out, ms. */
  timeMutation(operation: string, totalMs: number, tilledMs: number): void {
    this.mutationSeconds.observe({ operation, step: 'total' }, totalMs / 1000);
    this.mutationSeconds.observe({ operation, step: 'tilled' }, tilledMs / 1000);
    this.mutationSeconds.observe({ operation, step: 'ours' }, (totalMs - tilledMs) / 1000);
  }

  /** Has every operation of Tilled there from the start, with every way it may end. */
  expectTilledCalls(operations: readonly string[], outcomes: readonly string[]): void {
    for (const labels of known.combinations({ operation: operations, outcome: outcomes })) this.tilledCalls.inc(labels, 0);
  }

  /** Counts and times one try of a call to Tilled, ms. */
  timeTilledCall(operation: string, outcome: string, durationMs: number): void {
    this.tilledCalls.inc({ operation, outcome });
    this.tilledSeconds.observe({ operation }, durationMs / 1000);
  }

  /** Adds what there is to know of this process itself: CPU, memory, event loop, garbage collection. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A number that is read when it is asked for. */
  gauge<Label extends string>(configuration: GaugeConfiguration<Label>): Gauge<Label> {
    return new Gauge({ ...configuration, registers: [this.registry] });
  }

  private transitions(name: string, help: string, states: readonly string[]): Counter<'state'> {
    return this.counter({ name, help, labelNames: ['state'], values: { state: states } });
  }

  private counter<Label extends string>({
    values,
    ...configuration
  }: CounterConfiguration<Label> & { values?: known.Values }): Counter<Label> {
    const counter = new Counter({ ...configuration, registers: [this.registry] });
    for (const labels of known.combinations(values ?? {})) counter.inc(labels as Partial<Record<Label, string>>, 0);
    return counter;
  }

  private histogram<Label extends string>({
    values,
    ...configuration
  }: HistogramConfiguration<Label> & { values?: known.Values }): Histogram<Label> {
    const histogram = new Histogram({ ...configuration, registers: [this.registry] });
    if (values !== undefined) for (const labels of known.combinations(values)) histogram.zero(labels as Partial<Record<Label, string>>);
    return histogram;
  }
}
