import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../platform/log.js';
import { TilledError, type TilledFailure } from './tilled.errors.js';

/** One call: what is asked of which account. */
export interface TilledCall {
  /** Name for logs and metrics, e.g. "createRefund". */
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly accountId: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: object | FormData;
}

/** A list is sent comma-separated, a map as `name[key]=value`. */
export type QueryValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;

interface TilledHttpOptions {
  readonly baseUrl: string;
  readonly secretKey: string;
  /** How long one try may take until its answer is read, ms. */
  readonly timeoutMs: number;
  readonly log: Log;
}

const READ_TRIES = 3;
const RETRY_PAUSE_MS = 200;
const RETRY_PAUSE_MS_MAX = 2_000;

/** Errors of the connection that prove that no byte of the request was sent. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/**
 * Speaks HTTP to Tilled. Reads are tried again when the network, a throttle or Tilled fails; anything that writes is sent
 * once, because Tilled has no idempotency keys and a repeated POST makes a second object.
 */
export class TilledHttp {
  constructor(private readonly options: TilledHttpOptions) {}

  /** The parsed answer of a 2xx, null for an empty one; throws TilledError for everything else. */
  async request(call: TilledCall): Promise<unknown> {
    const tries = call.method === 'GET' ? READ_TRIES : 1;
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.once(call);
      } catch (error) {
        const mayRetry = error instanceof TilledError && (error.kind === 'unavailable' || error.kind === 'throttled');
        if (!mayRetry || tried >= tries) throw error;
        await sleep(Math.min(error.facts.retryAfterMs ?? RETRY_PAUSE_MS * tried, RETRY_PAUSE_MS_MAX));
      }
    }
  }

  private async once(call: TilledCall): Promise<unknown> {
    const startedAt = performance.now();
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.urlOf(call), this.initOf(call));
      text = await response.text();
    } catch (error) {
      throw this.logged(call, startedAt, unanswered(call, error));
    }
    const requestId = response.headers.get('request-id');
    if (!response.ok) throw this.logged(call, startedAt, refused(call, response, text, requestId));
    const durationMs = Math.trunc(performance.now() - startedAt);
    this.options.log.debug('tilled answered', {
      operation: call.operation,
      httpStatus: response.status,
      durationMs,
      tilledRequestId: requestId,
    });
    return text === '' ? null : parsed(call, text, requestId);
  }

  private urlOf(call: TilledCall): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) appendQuery(search, name, value);
    const query = search.size === 0 ? '' : `?${search.toString()}`;
    return `${this.options.baseUrl}${call.path}${query}`;
  }

  private initOf(call: TilledCall): RequestInit {
    const isForm = call.body instanceof FormData;
    const headers: Record<string, string> = {
      'tilled-api-key': this.options.secretKey,
      'tilled-account': call.accountId,
      accept: 'application/json',
    };
    if (call.body !== undefined && !isForm) headers['content-type'] = 'application/json';
    return {
      method: call.method,
      headers,
      body: call.body === undefined ? undefined : isForm ? (call.body as FormData) : JSON.stringify(call.body),
      redirect: 'manual',
      signal: AbortSignal.timeout(this.options.timeoutMs),
    };
  }

  private logged(call: TilledCall, startedAt: number, error: TilledError): TilledError {
    this.options.log.warn('tilled call failed', {
      operation: call.operation,
      kind: error.kind,
      httpStatus: error.facts.httpStatus,
      tilledRequestId: error.facts.requestId,
      durationMs: Math.trunc(performance.now() - startedAt),
      reason: error.message,
    });
    return error;
  }
}

function appendQuery(search: URLSearchParams, name: string, value: QueryValue): void {
  if (value === undefined) return;
  if (Array.isArray(value)) search.append(name, value.join(','));
  else if (typeof value === 'object') for (const [key, item] of Object.entries(value)) search.append(`${name}[${key}]`, item);
  else search.append(name, String(value));
}

function unanswered(call: TilledCall, error: unknown): TilledError {
  const code = ((error as Error).cause as { code?: string } | undefined)?.code ?? (error as Error).name;
  const isCertain = call.method === 'GET' || NEVER_SENT.has(code);
  const facts = { operation: call.operation, httpStatus: null, code, requestId: null, retryAfterMs: null };
  return new TilledError(isCertain ? 'unavailable' : 'unknown', `no answer from Tilled (${code})`, facts, { cause: error });
}

function refused(call: TilledCall, response: Response, text: string, requestId: string | null): TilledError {
  const body = jsonOrNull(text) as { message?: unknown; code?: unknown } | null;
  const message = messageOf(body?.message) ?? `HTTP ${response.status}`;
  const retryAfterSeconds = Number(response.headers.get('retry-after'));
  return new TilledError(kindOf(call, response.status), message, {
    operation: call.operation,
    httpStatus: response.status,
    code: typeof body?.code === 'string' ? body.code : null,
    requestId,
    retryAfterMs: retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : null,
  });
}

function kindOf(call: TilledCall, status: number): TilledFailure {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 429) return 'throttled';
  if (status >= 500 || status < 400) return call.method === 'GET' ? 'unavailable' : 'unknown';
  return 'rejected';
}

function parsed(call: TilledCall, text: string, requestId: string | null): unknown {
  const value = jsonOrNull(text);
  if (value !== null) return value;
  const facts = { operation: call.operation, httpStatus: 200, code: null, requestId, retryAfterMs: null };
  throw new TilledError(call.method === 'GET' ? 'unavailable' : 'unknown', 'Tilled answered something that is not JSON', facts);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Tilled answers one sentence or a list of them. */
function messageOf(message: unknown): string | null {
  if (typeof message === 'string') return message;
  return Array.isArray(message) ? message.map(String).join('; ') : null;
}
