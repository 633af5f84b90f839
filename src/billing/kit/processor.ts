import { AppError, OutcomeUnknown, ProcessorRejected, ProcessorUnavailable, ReadRefused } from '../../platform/errors.js';
import type { Permit } from '../../platform/jobs/lease.js';
import type { CallNote } from '../../platform/outbox/outbox-event.entity.js';
import type { AppIdentity } from '../../platform/tenancy/app-identity.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledAccountClient, TilledClient, TilledReader } from '../../tilled/tilled.client.js';
import { TilledError } from '../../tilled/tilled.errors.js';
import type { TilledMetadata } from '../../tilled/tilled.shapes.js';

const RETRY_AFTER_MS = 5_000;

/** Calls Tilled for a scope's app, and turns what goes wrong into our own errors. */
export class Processor {
  /** `own` makes the client for an app's own key, which it is given sealed. */
  constructor(
    private readonly client: TilledClient,
    private readonly own: (app: AppIdentity & { readonly processorCredential: string }) => TilledClient,
  ) {}

  /** Asks a question, which changes nothing. Throws ReadRefused or ProcessorUnavailable. */
  async ask<T>(scope: Scope, question: (tilled: TilledReader) => Promise<T>): Promise<T> {
    try {
      return await this.call(scope, () => false, question);
    } catch (error) {
      // Only a refused change is an outcome.
      throw error instanceof ProcessorRejected ? new ReadRefused(error.reason, { cause: error.cause }) : error;
    }
  }

  /**
   * Sends one call that may change something, only if `permit` allows it in that moment. Throws ProcessorRejected
   * (refused for good), ProcessorUnavailable (nothing happened) or OutcomeUnknown (it may have happened, or another
   * worker sends it by now).
   */
  async send<T>(scope: Scope, permit: Permit, order: (tilled: TilledAccountClient) => Promise<T>): Promise<T> {
    try {
      const answer = await this.call(scope, () => permit.maySend(), order);
      permit.answered(true);
      return answer;
    } catch (error) {
      if (error instanceof AppError && !(error instanceof OutcomeUnknown)) permit.answered(false);
      throw error;
    }
  }

  private async call<T>(scope: Scope, maySend: () => boolean, work: (tilled: TilledAccountClient) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const onWrite = (call: CallNote) => scope.request.noteCall(call);
    try {
      return await work(this.clientOf(scope.caller.app).account(scope.caller.app.processorAccountId, { maySend, onWrite }));
    } catch (error) {
      throw error instanceof TilledError ? translated(error) : error;
    } finally {
      scope.request.processorMs += performance.now() - startedAt;
    }
  }

  private clientOf(app: AppIdentity): TilledClient {
    const { processorCredential } = app;
    return processorCredential === null ? this.client : this.own({ ...app, processorCredential });
  }

  /** Like ask, but null where Tilled has no such object. */
  find<T>(scope: Scope, question: (tilled: TilledReader) => Promise<T>): Promise<T | null> {
    return orNullIfMissing(this.ask(scope, question));
  }

  /** Like send, but null where Tilled has no such object. */
  sendIfThere<T>(scope: Scope, permit: Permit, order: (tilled: TilledAccountClient) => Promise<T>): Promise<T | null> {
    return orNullIfMissing(this.send(scope, permit, order));
  }
}

async function orNullIfMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const isRefused = error instanceof ProcessorRejected || error instanceof ReadRefused;
    if (isRefused && error.cause instanceof TilledError && error.cause.kind === 'not_found') return null;
    throw error;
  }
}

function translated(error: TilledError): Error {
  const options = { cause: error };
  switch (error.kind) {
    case 'rejected':
    case 'not_found':
      return new ProcessorRejected(error.message, options);
    case 'unauthorized':
    case 'throttled':
    case 'unavailable':
      return new ProcessorUnavailable(error.facts.retryAfterMs ?? RETRY_AFTER_MS, options);
    case 'unknown':
    case 'lapsed':
      return new OutcomeUnknown(options);
  }
}

/** Our mark on every object we make at Tilled, so that it can be found again when the answer was lost. */
export function markOf(scope: Scope, id: string): TilledMetadata {
  return { billing_app_id: scope.appId, billing_id: id };
}

/** Our id on an object at Tilled, if this app made it. */
export function markedId(scope: Scope, metadata: TilledMetadata | null): string | null {
  return metadata?.billing_app_id === scope.appId ? (metadata.billing_id ?? null) : null;
}

/** Whether an object at Tilled was made, or adopted, by another app that shares the account. */
export function isOfAnotherApp(scope: Scope, metadata: TilledMetadata | null): boolean {
  const marked = metadata?.billing_app_id;
  return marked !== undefined && marked !== scope.appId;
}

/** Metadata that takes our mark off an object. */
export const NO_MARK = { billing_app_id: null, billing_id: null } as const;
