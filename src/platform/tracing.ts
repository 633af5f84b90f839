import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Sampling, Tracing } from '../config.traces.js';
import { withDeadline } from './deadline.js';
import { errorFields, type Log } from './log.js';
import { TRACED_WORK, type TracedWork } from './spans.js';

const KINDS: Readonly<Record<TracedWork['kind'], SpanKind>> = {
  http: SpanKind.SERVER,
  graphql: SpanKind.INTERNAL,
  sql: SpanKind.CLIENT,
  tilled: SpanKind.CLIENT,
  job: SpanKind.CONSUMER,
};

interface TracingParts {
  readonly tracing: Tracing;
  /** What this process is called, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say so. */
  readonly service: string;
  readonly log: Log;
}

/** How long a process that ends waits for its last spans to be taken, ms. */
const LAST_SPANS_MS_MAX = 5_000;

/**
 * Sends all traced work of this process to an OpenTelemetry collector. Loaded by a dynamic import, only if asked for.
 * What it returns stops it, and resolves once everything was sent. A collector that is away costs the spans only.
 */
export function startTracing({ tracing, service, log }: TracingParts): () => Promise<void> {
  const { url, timeoutMs } = tracing;
  const exporter = new OTLPTraceExporter(timeoutMs === null ? { url } : { url, timeoutMillis: timeoutMs });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }).merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(tracing.sampling),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...tracing.batch })],
  });
  const stop = follow(provider.getTracer('billing'), tracing.followsCallers);
  return async () => {
    stop();
    // A collector that is away costs the spans, not a clean end.
    const sent = withDeadline(LAST_SPANS_MS_MAX, provider.shutdown());
    await sent.catch((error: unknown) => log.warn('traces not sent', errorFields(error)));
  };
}

function samplerOf({ kind, ratio, isParentBased }: Sampling): Sampler {
  const of = { always_on: AlwaysOnSampler, always_off: AlwaysOffSampler } as const;
  const root = kind === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new of[kind]();
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** Turns traced work into spans, each a child of the one that it happens in. */
function follow(tracer: Tracer, followsCallers: boolean): () => void {
  const current = new AsyncLocalStorage<Span>();
  const spans = new WeakMap<TracedWork, Span>();
  const start = (work: TracedWork) => {
    const span = tracer.startSpan(
      work.name,
      {
        kind: KINDS[work.kind],
        attributes: { ...work.attributes },
        ...(work.tookMs === undefined ? {} : { startTime: new Date(Date.now() - work.tookMs) }),
      },
      contextOf(followsCallers ? work.traceparent : undefined, current.getStore()),
    );
    spans.set(work, span);
    return span;
  };
  const handlers = {
    asyncEnd: (work: unknown) => {
      const { attributes, error } = work as TracedWork;
      const span = spans.get(work as TracedWork);
      if (attributes !== undefined) span?.setAttributes({ ...attributes });
      // The class says what it was; a message may repeat what a caller sent.
      if (error !== undefined)
        span?.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.constructor.name : 'error' });
      span?.end();
    },
  };
  TRACED_WORK.start.bindStore(current, start);
  TRACED_WORK.asyncEnd.subscribe(handlers.asyncEnd);
  return () => {
    TRACED_WORK.start.unbindStore(current);
    TRACED_WORK.asyncEnd.unsubscribe(handlers.asyncEnd);
  };
}

/** Who asked comes first, then what we are in, else it is a trace of its own. */
function contextOf(traceparent: string | undefined, parent: Span | undefined) {
  const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
  if (remote !== null) return trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
  return parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);
}
