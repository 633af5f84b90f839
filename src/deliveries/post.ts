import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { redactedText } from '../platform/log.js';
import type { GuardedAgents } from './guarded-agents.js';
import { REFUSED } from './target.guard.js';

/** What is sent to a receiver. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of sending it once. */
export interface Reply {
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** Why it counts as not delivered; null if it was. */
  readonly error: string | null;
  /** How long the receiver asks not to be called, ms; null if it does not. */
  readonly retryAfterMs: number | null;
  /** The start of the answer, without card data and secrets. */
  readonly answer: string;
  readonly durationMs: number;
}

/** How much of an answer is kept, and how much of it is read at most so that the connection can be used again. */
const [ANSWER_CHARS, ANSWER_BYTES_MAX] = [500, 65_536];
/** How long the rest of an answer is waited for once its status is known, ms: the status decides. */
const REST_MS_MAX = 1_000;

/**
 * Posts a message once, and follows no redirect. Never throws. A connection that was kept from before and that the
 * receiver closed meanwhile is no failure: it is sent again at once, on a new one.
 */
export async function post(url: URL, message: Message, agents: GuardedAgents, msMax: number): Promise<Reply> {
  const startedAt = performance.now();
  const first = await exchange(url, message, agents, msMax);
  const { wasKept, ...reply } = first;
  const leftMs = msMax - (performance.now() - startedAt);
  const sent = wasKept && reply.status === null && leftMs > 0 ? await exchange(url, message, agents, leftMs) : first;
  const { wasKept: _, ...last } = sent;
  return { ...last, durationMs: Math.trunc(performance.now() - startedAt) };
}

type Exchanged = Omit<Reply, 'durationMs'> & {
  /** It broke on a connection that was kept from before. */
  readonly wasKept: boolean;
};

function exchange(url: URL, { headers, body }: Message, agents: GuardedAgents, msMax: number): Promise<Exchanged> {
  return new Promise((resolve) => {
    let isAnswered = false;
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(url, { method: 'POST', headers, agent: agents.for(url) });
    const patience = setTimeout(() => end(unanswered(`no answer within ${Math.ceil(msMax / 1000)} s`, false)), msMax);
    const end = (exchanged: Exchanged) => {
      clearTimeout(patience);
      resolve(exchanged);
      if (exchanged.status === null) sent.destroy();
    };
    const broken = (error: string) => isAnswered || end(unanswered(error, sent.reusedSocket));
    sent.on('error', (error: NodeJS.ErrnoException) => broken(reasonOf(error)));
    sent.on('close', () => broken('the connection was closed without an answer'));
    sent.on('response', (response) => {
      // From here on the status decides, whatever becomes of the rest.
      isAnswered = true;
      clearTimeout(patience);
      void startOf(response).then((answer) => end(answered(response, answer)));
    });
    sent.end(body);
  });
}

function unanswered(error: string, wasKept: boolean): Exchanged {
  return { status: null, error, retryAfterMs: null, answer: '', wasKept };
}

function answered({ statusCode: status = 0, headers }: IncomingMessage, answer: string): Exchanged {
  const isDelivered = status >= 200 && status < 300;
  const isRedirect = status >= 300 && status < 400;
  const error = isDelivered ? null : `HTTP ${status}${isRedirect ? ': redirects are not followed' : ''}`;
  return { status, error, retryAfterMs: retryAfterMsOf(status, headers), answer, wasKept: false };
}

/** Seconds, or a date that is held against the receiver's own clock. */
function retryAfterMsOf(status: number, { 'retry-after': value = '', date }: IncomingMessage['headers']): number | null {
  if (status !== 429 && status !== 503) return null;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.parse(date ?? '');
  return ms > 0 ? ms : null;
}

/** The start of the answer. What is too long or too slow is cut off: it changes nothing any more. */
function startOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    let bytes = 0;
    const end = () => {
      clearTimeout(patience);
      resolve(redactedText(text.slice(0, 2 * ANSWER_CHARS)).slice(0, ANSWER_CHARS));
    };
    const cutOff = () => {
      response.destroy();
      end();
    };
    const patience = setTimeout(cutOff, REST_MS_MAX);
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      bytes += Buffer.byteLength(chunk);
      if (text.length < 2 * ANSWER_CHARS) text += chunk;
      if (bytes > ANSWER_BYTES_MAX) cutOff();
    });
    response.on('end', end);
    response.on('error', end);
    response.on('close', end);
  });
}

const WORDS: Readonly<Record<string, string>> = {
  [REFUSED]: 'the address is not of the public internet, and the operator does not list it',
  ECONNREFUSED: 'the connection was refused',
  ETIMEDOUT: 'no connection came about in time',
  ECONNRESET: 'the connection was closed without an answer',
  ENOTFOUND: 'the name of the server was not found',
  EAI_AGAIN: 'the name of the server could not be looked up',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
};

/** In our own words: those of the system name addresses, which would tell of the network here. */
function reasonOf(error: NodeJS.ErrnoException): string {
  // Every address of the name was tried, and all failed.
  const [{ code = 'unknown' } = error] = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error];
  return WORDS[code] ?? `the connection failed (${code})`;
}
