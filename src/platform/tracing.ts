import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
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
  readonly endpoint: string;
  readonly service: string;
  readonly log: Log;
}

/** How long sending spans may take, with all tries, ms. */
const EXPORT_MS_MAX = 3_000;

/**
 * Sends all traced work of this process to an OpenTelemetry collector. Loaded by a dynamic import, only if asked for.
 * What it returns stops it, and resolves once everything was sent.
 */
export function startTracing({ endpoint, service, log }: TracingParts): () => Promise<void> {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: EXPORT_MS_MAX });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const stop = follow(provider.getTracer('billing'));
  return async () => {
    stop();
    // A collector that is away costs the spans, not a clean end.
    await provider.shutdown().catch((error: unknown) => log.warn('traces not sent', errorFields(error)));
  };
}

/** Turns traced work into spans, each a child of the one that it happens in. */
function follow(tracer: Tracer): () => void {
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
      contextOf(work, current.getStore()),
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
function contextOf({ traceparent }: TracedWork, parent: Span | undefined) {
  const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
  if (remote !== null) return trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
  return parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);
}
