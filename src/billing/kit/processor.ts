import { OutcomeUnknown, ProcessorRejected, ProcessorUnavailable } from '../../platform/errors.js';
import type { AppIdentity, Scope } from '../../platform/tenancy/scope.js';
import type { TilledAccountClient, TilledClient } from '../../tilled/tilled.client.js';
import { TilledError } from '../../tilled/tilled.errors.js';
import type { TilledMetadata } from '../../tilled/tilled.shapes.js';

const RETRY_AFTER_MS = 5_000;

/** Asks Tilled on behalf of a scope's app, and says what went wrong in the words of our own errors. */
export class Processor {
  /** `own` makes the client of a key that an app brought along, which it is handed sealed. */
  constructor(
    private readonly client: TilledClient,
    private readonly own: (app: AppIdentity & { readonly processorCredential: string }) => TilledClient,
  ) {}

  /**
   * The answer to one call. Throws ProcessorRejected (refused for good), ProcessorUnavailable (nothing happened) or
   * OutcomeUnknown (it may have happened).
   */
  async ask<T>(scope: Scope, question: (tilled: TilledAccountClient) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await question(this.clientOf(scope.app).account(scope.app.processorAccountId, (call) => scope.noteCall(call)));
    } catch (error) {
      throw error instanceof TilledError ? translated(error) : error;
    } finally {
      scope.processorMs += performance.now() - startedAt;
    }
  }

  private clientOf(app: AppIdentity): TilledClient {
    const { processorCredential } = app;
    return processorCredential === null ? this.client : this.own({ ...app, processorCredential });
  }

  /** Like ask, but null where Tilled has no such object. */
  async find<T>(scope: Scope, question: (tilled: TilledAccountClient) => Promise<T>): Promise<T | null> {
    try {
      return await this.ask(scope, question);
    } catch (error) {
      if (error instanceof ProcessorRejected && error.cause instanceof TilledError && error.cause.kind === 'not_found') return null;
      throw error;
    }
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
      return new OutcomeUnknown(options);
  }
}

/** What we write on every object we make at Tilled, so that it can be found again whatever happened to the answer. */
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

/** What takes our mark off an object. */
export const NO_MARK = { billing_app_id: null, billing_id: null } as const;
