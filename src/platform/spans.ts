import { tracingChannel } from 'node:diagnostics_channel';

/** Work that a trace shows as a span: its kind, its name, and facts without values of callers. */
export interface TracedWork {
  readonly kind: 'http' | 'graphql' | 'sql' | 'tilled' | 'job';
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** The W3C traceparent header of who asked. */
  readonly traceparent?: string | undefined;
  /** For work that is over already: how long it took, ms. */
  readonly tookMs?: number;
  /** Why it failed, set by the channel. */
  readonly error?: unknown;
}

/** Where traced work is announced. Without a listener, which only tracing.ts adds, it costs nothing. */
export const TRACED_WORK = tracingChannel<unknown, TracedWork>('billing.step');

/** Whether anybody listens: without a listener no description has to be put together. */
export function isTracing(): boolean {
  return TRACED_WORK.hasSubscribers;
}

/** Does `work` in a span: what it starts, however much later, belongs to it. */
export function inSpan<T>(description: TracedWork, work: () => Promise<T>): Promise<T> {
  return TRACED_WORK.hasSubscribers ? TRACED_WORK.tracePromise(work, description) : work();
}

/** Opens a span that goes on after `next` has returned; call what is returned when the work is over. */
export function openSpan(description: TracedWork, next: () => void): (attributes: TracedWork['attributes']) => void {
  const open = { ...description };
  TRACED_WORK.start.runStores(open, next);
  return (attributes) => TRACED_WORK.asyncEnd.publish(Object.assign(open, { attributes: { ...description.attributes, ...attributes } }));
}
