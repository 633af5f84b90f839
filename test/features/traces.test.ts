import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sampling, Tracing } from '../../src/config.traces.js';
import { createLog } from '../../src/platform/log.js';
import { TRACED_WORK } from '../../src/platform/spans.js';
import { startTracing } from '../../src/platform/tracing.js';
import { type CollectedSpan, Collector } from '../support/collector.js';
import * as ops from '../support/operations.generated.js';
import { runningBilling } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

/** How traces are made where no variable says more than where they go. */
function tracingTo({ url }: Collector, sampling: Partial<Sampling> = {}): Tracing {
  const all: Sampling = { kind: 'always_on', ratio: 1, isParentBased: true };
  return { url: `${url}/v1/traces`, timeoutMs: 3_000, sampling: { ...all, ...sampling }, followsCallers: true, batch: {} };
}

let world: World;
let app: TestApp;
let collector: Collector;

beforeAll(async () => {
  [world, collector] = await Promise.all([World.create(), Collector.open()]);
  app = await world.app();
});
afterAll(async () => {
  collector.close();
  await world.close();
});

function parentOf(span: CollectedSpan | undefined): CollectedSpan | undefined {
  return collector.spans.find(({ spanId }) => spanId === span?.parentSpanId);
}

describe('a trace', () => {
  let spans: readonly CollectedSpan[];

  beforeAll(async () => {
    const { customer } = await world.payer(app);
    const stop = startTracing({ tracing: tracingTo(collector), service: 'billing-gateway', log: createLog('silent') });
    const input = { customerId: customer.id, amount: { amountMinor: 4_200, currency: 'usd' }, description: 'canary-of-the-caller' };
    await world.ask(app, ops.PaymentCreateDocument, { input }, { headers: { traceparent: `00-${TRACE}-${CALLER}-01` } });
    await world.control('faults', { operation: 'POST /v1/customers', status: 400, body: { message: 'canary-of-tilled' } });
    await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'canary@example.com' } });
    await world.settle();
    await stop();
    spans = collector.spans;
  });

  it('goes on the trace of the caller, from the request to the statement', () => {
    const mine = spans.filter(({ traceId }) => traceId === TRACE);
    const confirm = mine.find(({ name }) => name === 'tilled confirmPaymentIntent');
    const field = mine.find(({ name }) => name === 'mutation paymentCreate');
    const request = mine.find(({ name }) => name === 'POST /graphql');
    expect(parentOf(confirm)).toBe(field);
    expect(parentOf(field)).toBe(request);
    expect(request?.parentSpanId).toBe(CALLER);
    expect(request).toMatchObject({
      service: 'billing-gateway',
      attributes: { 'http.route': '/graphql', 'http.response.status_code': 200 },
    });
    const written = mine.filter(({ attributes }) =>
      /^insert into `billing_payments`.*values \(\?/.test(String(attributes['db.query.text'])),
    );
    expect(written).toHaveLength(1);
    expect(parentOf(written[0])).toBe(field);
    expect(mine.some(({ name }) => name === 'begin')).toBe(true);
  });

  it('shows a call that failed as failed', () => {
    const made = spans.filter(({ name }) => name === 'tilled createCustomer');
    expect(made.map(({ status }) => status.code)).toEqual([2]);
  });

  it('shows queued work with what it asks', () => {
    const job = spans.find(({ name }) => name === 'job sync.payment_intent');
    const look = spans.find((span) => span.name === 'tilled getPaymentIntent' && parentOf(span) === job);
    expect(look).toBeDefined();
    expect(job?.traceId).not.toBe(TRACE);
  });

  it('holds nothing of what was sent: no value, address, key or message', () => {
    const everything = collector.bodies.join('');
    expect(everything).not.toMatch(/canary|bg_svc_|sk_|acct_|cus_[0-9]|pay_[0-9]|@example/);
  });

  it('is followed by nobody once it was stopped, nor where it was not asked for', () => {
    expect(TRACED_WORK.hasSubscribers).toBe(false);
  });
});

describe('the sampler', () => {
  /** How many traces reach a collector of five requests, of which a caller had decided two. */
  async function tracesKept(sampling: Partial<Sampling>, followsCallers = true): Promise<{ callers: number; own: number }> {
    const kept = await Collector.open();
    const stop = startTracing({ tracing: { ...tracingTo(kept, sampling), followsCallers }, service: 'x', log: createLog('silent') });
    for (let requests = 0; requests < 3; requests += 1) await world.ask(app, ops.AppDocument, {});
    for (const flags of ['01', '00'])
      await world.ask(app, ops.AppDocument, {}, { headers: { traceparent: `00-${TRACE}-${CALLER}-${flags}` } });
    await stop();
    kept.close();
    const requests = kept.spans.filter(({ name }) => name === 'POST /graphql');
    const callers = requests.filter(({ traceId }) => traceId === TRACE).length;
    return { callers, own: requests.length - callers };
  }

  it('keeps all, none or a part, and a decision of the caller stands above it where it is to', async () => {
    expect(await tracesKept({})).toEqual({ callers: 1, own: 3 });
    expect(await tracesKept({ kind: 'always_off' })).toEqual({ callers: 1, own: 0 });
    expect(await tracesKept({ kind: 'always_off', isParentBased: false })).toEqual({ callers: 0, own: 0 });
    expect(await tracesKept({ kind: 'traceidratio', ratio: 0 })).toEqual({ callers: 1, own: 0 });
    expect(await tracesKept({ isParentBased: false })).toEqual({ callers: 2, own: 3 });
    expect(await tracesKept({}, false)).toEqual({ callers: 0, own: 5 });
  });
});

describe('a collector that takes connections and never answers', () => {
  it('costs requests nothing, and the end at most 6 s', async () => {
    const median = async () => {
      const took: number[] = [];
      for (let requests = 0; requests < 100; requests += 1) {
        const since = performance.now();
        await world.ask(app, ops.AppDocument, {});
        took.push(performance.now() - since);
      }
      return took.toSorted((one, other) => one - other)[50] ?? 0;
    };
    await median();
    const without = await median();
    const hanging = await Collector.open({ isHanging: true });
    const tracing = { ...tracingTo(hanging), batch: { scheduledDelayMillis: 10, maxQueueSize: 20, maxExportBatchSize: 5 } };
    const stop = startTracing({ tracing, service: 'x', log: createLog('silent') });
    const withIt = await median();
    const since = performance.now();
    await stop();
    const endMs = performance.now() - since;
    expect(hanging.credentials.length).toBeGreaterThan(0);
    hanging.close();
    expect(withIt).toBeLessThan(3 * without + 5);
    expect(endMs).toBeLessThan(6_000);
  });
});

describe('a process with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  it('ends as cleanly when there is no collector', async () => {
    const variables = { ...world.environment, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    const worker = await runningBilling(['worker'], variables, 'worker started');
    const { status, stdout, stderr } = await worker.end('SIGTERM');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('traces not sent');
  });

  it('sends its spans, the last ones before it ends', async () => {
    const variables = { ...world.environment, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const worker = await runningBilling(['worker'], variables, 'worker started');
    expect(await worker.end('SIGTERM')).toMatchObject({ status: 0, stderr: '' });
    const ofWorker = collector.spans.filter(({ service }) => service === 'billing-worker');
    expect(ofWorker.some(({ attributes }) => String(attributes['db.query.text']).includes('billing_jobs'))).toBe(true);
  });

  it('honours the standard variables: the endpoint of traces alone, names, attributes, headers', async () => {
    const variables = {
      ...world.environment,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20Zm9v',
      OTEL_SERVICE_NAME: 'billing-of-shop',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    };
    const worker = await runningBilling(['worker'], variables, 'worker started');
    // Sent while it runs: by itself the SDK would wait for 5 s.
    await world.until(async () => collector.spans.some(({ service }) => service === 'billing-of-shop'));
    expect(await worker.end('SIGTERM')).toMatchObject({ status: 0, stderr: '' });
    const [span] = collector.spans.filter(({ service }) => service === 'billing-of-shop');
    expect(span?.resource).toMatchObject({ 'deployment.environment.name': 'staging' });
    expect(collector.credentials.at(-1)).toBe('Basic Zm9v');
  });
});
