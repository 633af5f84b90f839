import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { errorFields, type Log } from './log.js';
import { STEPS, type Step } from './spans.js';

const KINDS: Readonly<Record<Step['kind'], SpanKind>> = {
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
 * Sends every step of this process to an OpenTelemetry collector. Loaded only where that is asked for, by a dynamic
 * import. Resolves what it returns once everything was sent.
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

/** Turns steps into spans, each a child of the step that it happens in. */
function follow(tracer: Tracer): () => void {
  const current = new AsyncLocalStorage<Span>();
  const spans = new WeakMap<Step, Span>();
  const start = (step: Step) => {
    const span = tracer.startSpan(
      step.name,
      {
        kind: KINDS[step.kind],
        attributes: { ...step.attributes },
        ...(step.tookMs === undefined ? {} : { startTime: new Date(Date.now() - step.tookMs) }),
      },
      contextOf(step, current.getStore()),
    );
    spans.set(step, span);
    return span;
  };
  const handlers = {
    asyncEnd: (step: unknown) => {
      const { attributes, error } = step as Step;
      const span = spans.get(step as Step);
      if (attributes !== undefined) span?.setAttributes({ ...attributes });
      // The class says what it was; a message may repeat what a caller sent.
      if (error !== undefined)
        span?.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.constructor.name : 'error' });
      span?.end();
    },
  };
  STEPS.start.bindStore(current, start);
  STEPS.asyncEnd.subscribe(handlers.asyncEnd);
  return () => {
    STEPS.start.unbindStore(current);
    STEPS.asyncEnd.unsubscribe(handlers.asyncEnd);
  };
}

/** Who asked comes first, then what we are in, else it is a trace of its own. */
function contextOf({ traceparent }: Step, parent: Span | undefined) {
  const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
  if (remote !== null) return trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
  return parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);
}
