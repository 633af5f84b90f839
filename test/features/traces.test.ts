import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/platform/log.js';
import { TRACED_WORK } from '../../src/platform/spans.js';
import { startTracing } from '../../src/platform/tracing.js';
import { type CollectedSpan, Collector } from '../support/collector.js';
import * as ops from '../support/operations.generated.js';
import { runningBilling } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

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
    const stop = startTracing({ endpoint: collector.url, service: 'billing-gateway', log: createLog('silent') });
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
});
