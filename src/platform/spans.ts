import { tracingChannel } from 'node:diagnostics_channel';

/** A piece of work that a trace shows: what kind it is, what it is called, and facts without values of callers. */
export interface Step {
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

/** Where steps are told; nobody listens unless traces were asked for (tracing.ts), and then a step costs nothing. */
export const STEPS = tracingChannel<unknown, Step>('billing.step');

/** Whether anybody listens: what a step is about need not be put together otherwise. */
export function areStepsWatched(): boolean {
  return STEPS.hasSubscribers;
}

/** Does `work` as a step: what it starts, however much later, belongs to it. */
export function asStep<T>(step: Step, work: () => Promise<T>): Promise<T> {
  return STEPS.hasSubscribers ? STEPS.tracePromise(work, step) : work();
}

/** Begins a step that goes on after `next` has returned; call what is returned when it is over. */
export function openStep(step: Step, next: () => void): (attributes: Step['attributes']) => void {
  const open = { ...step };
  STEPS.start.runStores(open, next);
  return (attributes) => STEPS.asyncEnd.publish(Object.assign(open, { attributes: { ...step.attributes, ...attributes } }));
}
