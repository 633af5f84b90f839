import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Degradation } from '../platform/degradation.js';
import { type Log, redactedText } from '../platform/log.js';
import { inSpan } from '../platform/spans.js';
import { TilledError, type TilledFailure } from './tilled.errors.js';
import { type Answer, answerTo, LAPSED, type Message } from './tilled.exchange.js';

/** Hears how a call ended that may have changed something at Tilled. */
export type OnWrite = (ended: {
  readonly operation: string;
  /** `done`, or the kind of its failure. */
  readonly outcome: 'done' | TilledFailure;
  readonly httpStatus: number | null;
  readonly processorRequestId: string | null;
}) => void;

/** What surrounds every call that may change something at Tilled. */
export interface Writes {
  /** Whether it may still be sent, asked in the moment in which it is; on a no it is not, and fails as `lapsed`. */
  readonly maySend: () => boolean;
  /** Hears how it ended. */
  readonly onWrite: OnWrite;
}

/** Whatever is asked for is sent, and nobody is told. */
export const UNWATCHED: Writes = { maySend: () => true, onWrite: () => undefined };

/** One call: what is asked of which account. */
export interface TilledCall {
  /** Name for logs and metrics, e.g. "createRefund". */
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Ids in it are percent-encoded already. */
  readonly path: string;
  /** Null for what concerns no account; that is asked without the key. */
  readonly accountId: string | null;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: object;
  /** Of calls that may change something. */
  readonly writes?: Writes;
}

/** A list is sent comma-separated, a map as `name[key]=value`. */
export type QueryValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;

interface TilledHttpOptions {
  readonly baseUrl: string;
  readonly secretKey: string;
  /** `reads` refuses, before anything is sent, what could change something at Tilled. Default: all is allowed. */
  readonly allows?: 'reads';
  /** How long one try may take until its answer is read, ms. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Told how each try ended. */
  readonly onTry?: (operation: string, outcome: TilledFailure | 'ok', durationMs: number) => void;
  /** Waits between the tries of a read; real time unless told otherwise. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

const READ_TRIES = 3;
const RETRY_PAUSE_MS = 200;
const RETRY_PAUSE_MS_MAX = 2_000;

/**
 * Speaks HTTP to Tilled. Reads are tried again when the network, a throttle or Tilled fails; anything that writes is
 * sent once, because Tilled has no idempotency keys and a repeated POST makes a second object.
 */
export class TilledHttp {
  private lost: Degradation | null = null;
  constructor(private readonly options: TilledHttpOptions) {}

  /** Set if the last call of this process got no answer, or a broken one; else empty. */
  degradation(): readonly Degradation[] {
    return this.lost === null ? [] : [this.lost];
  }

  /** The object a 2xx carries, null for an empty answer to DELETE; throws TilledError for everything else. */
  async request(call: TilledCall): Promise<unknown> {
    if (this.options.allows === 'reads' && call.method !== 'GET')
      throw new TilledError('unavailable', 'This process only reads from Tilled', { ...NO_FACTS, operation: call.operation });
    const tries = call.method === 'GET' ? READ_TRIES : 1;
    for (let tried = 1; ; tried += 1) {
      try {
        return await inSpan({ kind: 'tilled', name: `tilled ${call.operation}` }, () => this.once(call));
      } catch (error) {
        const pauseMs = error instanceof TilledError ? pauseBeforeRetryMs(error, tried) : null;
        if (pauseMs === null || tried >= tries) throw error;
        await (this.options.pause ?? sleep)(pauseMs);
      }
    }
  }

  private async once(call: TilledCall): Promise<unknown> {
    const startedAt = performance.now();
    // Made before the try: what cannot be put into a request is a defect of ours, not a failure of the connection.
    const [url, message] = [this.urlOf(call), this.messageOf(call)];
    const answer = await answerTo(url, { ...message, maySend: call.writes?.maySend }, this.options.timeoutMs).catch((error: unknown) => {
      throw this.logged(call, startedAt, unanswered(call, error));
    });
    const value = answer.body === '' && call.method === 'DELETE' ? null : jsonOf(answer.body);
    if (answer.status < 200 || answer.status > 299) throw this.logged(call, startedAt, refused(call, answer, value));
    if (typeof value !== 'object' || !isAnswerTo(call, value)) throw this.logged(call, startedAt, broken(call, answer));
    const durationMs = performance.now() - startedAt;
    this.options.onTry?.(call.operation, 'ok', durationMs);
    const { status: httpStatus, requestId } = answer;
    call.writes?.onWrite({ operation: call.operation, outcome: 'done', httpStatus, processorRequestId: requestId });
    this.lost = null;
    this.options.log.debug('tilled answered', {
      operation: call.operation,
      httpStatus,
      durationMs: Math.trunc(durationMs),
      tilledRequestId: requestId,
    });
    return value;
  }

  private urlOf(call: TilledCall): URL {
    // In a URL such a segment would mean a parent or a list. The id in it may come from a caller.
    const hasNoId = call.path.split('/').some((segment, index) => index > 0 && ['', '.', '..'].includes(segment));
    if (hasNoId) throw new TilledError('not_found', 'No object has such an id', { ...NO_FACTS, operation: call.operation });
    const url = new URL(`${this.options.baseUrl}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) appendQuery(url.searchParams, name, value);
    return url;
  }

  private messageOf(call: TilledCall): Message {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (call.accountId !== null) {
      headers['tilled-api-key'] = this.options.secretKey;
      headers['tilled-account'] = call.accountId;
    }
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    return { method: call.method, headers, body: call.body === undefined ? '' : JSON.stringify(call.body) };
  }

  private logged(call: TilledCall, startedAt: number, error: TilledError): TilledError {
    const durationMs = performance.now() - startedAt;
    this.options.onTry?.(call.operation, error.kind, durationMs);
    const isLost = error.kind === 'unavailable' || error.kind === 'unknown';
    this.lost = isLost ? { what: 'tilled', since: this.lost?.since ?? new Date().toISOString(), reason: error.message } : null;
    this.options.log.warn('tilled call failed', {
      operation: call.operation,
      kind: error.kind,
      httpStatus: error.facts.httpStatus,
      tilledRequestId: error.facts.requestId,
      durationMs: Math.trunc(durationMs),
      reason: error.message,
    });
    const { operation, httpStatus, requestId: processorRequestId } = error.facts;
    call.writes?.onWrite({ operation, outcome: error.kind, httpStatus, processorRequestId });
    return error;
  }
}

/** Null: not to be tried again, or not so soon; then the caller knows better than to wait. */
function pauseBeforeRetryMs(error: TilledError, tried: number): number | null {
  if (error.kind !== 'unavailable' && error.kind !== 'throttled') return null;
  const pauseMs = error.facts.retryAfterMs ?? RETRY_PAUSE_MS * tried;
  return pauseMs <= RETRY_PAUSE_MS_MAX ? pauseMs : null;
}

function appendQuery(search: URLSearchParams, name: string, value: QueryValue): void {
  if (value === undefined) return;
  if (Array.isArray(value)) search.append(name, value.join(','));
  else if (typeof value === 'object') for (const [key, item] of Object.entries(value)) search.append(`${name}[${key}]`, item);
  else search.append(name, String(value));
}

const NO_FACTS = { httpStatus: null, code: null, requestId: null, retryAfterMs: null };

function unanswered(call: TilledCall, error: unknown): TilledError {
  const code = textOf(fieldOf(error, 'code')) ?? textOf(fieldOf(error, 'name')) ?? 'unknown';
  const mayHaveHappened = call.method !== 'GET' && fieldOf(error, 'wasSent') !== false;
  const kind = code === LAPSED ? 'lapsed' : mayHaveHappened ? 'unknown' : 'unavailable';
  return new TilledError(kind, `no answer from Tilled (${code})`, { ...NO_FACTS, operation: call.operation, code }, { cause: error });
}

function refused(call: TilledCall, { status, headers, requestId }: Answer, body: unknown): TilledError {
  const message = wordsOf(fieldOf(body, 'message')) ?? `HTTP ${status}`;
  return new TilledError(kindOf(call, status), message, {
    operation: call.operation,
    httpStatus: status,
    code: wordsOf(fieldOf(body, 'code')),
    requestId,
    retryAfterMs: retryAfterMsOf(headers),
  });
}

function kindOf(call: TilledCall, status: number): TilledFailure {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 421) return 'unavailable';
  if (status === 429) return 'throttled';
  // 408 comes from what stands in front of Tilled, and does not say how much of the request went on.
  if (status >= 500 || status === 408 || status < 400) return call.method === 'GET' ? 'unavailable' : 'unknown';
  return 'rejected';
}

/** Seconds, or a date, which is held against the server's own. Null without either. */
function retryAfterMsOf({ 'retry-after': value = '', date = '' }: IncomingHttpHeaders): number | null {
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(date);
  return ms > 0 ? ms : null;
}

function broken(call: TilledCall, { status: httpStatus, requestId }: Answer): TilledError {
  const facts = { ...NO_FACTS, operation: call.operation, httpStatus, requestId };
  const kind = call.method === 'GET' ? 'unavailable' : 'unknown';
  return new TilledError(kind, 'Tilled answered something that is not the object it was asked for', facts);
}

/** A write answers with its object. Without an id it is no answer: whether something was written is unknown. */
function isAnswerTo({ method }: TilledCall, value: object | null): boolean {
  return method === 'GET' || method === 'DELETE' || textOf(fieldOf(value, 'id')) !== null;
}

/** What the text says, undefined when it is no JSON, or says nothing. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

const MESSAGE_CHARS_MAX = 500;

/** Tilled answers one sentence or a list of them. They may repeat what was sent, and end up in logs and answers. */
function wordsOf(message: unknown): string | null {
  const text = Array.isArray(message) ? message.map(String).join('; ') : textOf(message);
  return text === null ? null : redactedText(text).slice(0, MESSAGE_CHARS_MAX);
}
