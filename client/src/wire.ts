import { REQUEST_ERRORS, USER_ERRORS } from './errors.generated.js';
import { NoAnswer, type Outcome, RequestError, UserError, type UserErrorFacts } from './errors.js';

/**
 * Who asks: an API key or the token of a customer's session, or what gives one; `refused` is one that was good no
 * longer.
 */
export type Credential = string | ((refused?: string) => string | Promise<string>);

/** Where requests go. */
export interface Wire {
  /** The gateway's /graphql. */
  readonly url: string;
  readonly credential: Credential;
  readonly fetch: typeof fetch;
}

/** One request, which may be sent several times. */
export interface Question {
  /** How it is called in errors. */
  readonly operation: string;
  readonly text: string;
  readonly variables: object;
  readonly idempotencyKey: string | null;
}

/** What came back, as JSON says it. */
interface Body {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphQLFault[];
  readonly extensions?: { readonly outcome?: Outcome };
}

interface GraphQLFault {
  readonly message?: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number; readonly rateLimit?: { readonly retryAfterMs?: number } };
}

/** Data of an answer, and the id of the request. */
export interface Answer {
  readonly data: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
}

/**
 * Sends a request once; once more if the credential was refused and `credential` gives another one.
 * Throws RequestError for top-level errors, NoAnswer where nobody answered.
 */
export async function send(wire: Wire, question: Question, signal: AbortSignal): Promise<Answer> {
  const credential = await currentCredential(wire);
  try {
    return await sendOnce(wire, question, credential, signal);
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'UNAUTHENTICATED' || typeof wire.credential === 'string') throw error;
    const next = await wire.credential(credential);
    if (next === credential) throw error;
    return sendOnce(wire, question, next, signal);
  }
}

/** The error for what a mutation answered in `userErrors`: the class of the first code. */
export function userErrorOf(question: Question, payload: Readonly<Record<string, unknown>>, requestId: string | null): UserError | null {
  const all = (payload['userErrors'] ?? []) as readonly UserErrorFacts[];
  const [first] = all;
  if (first === undefined) return null;
  const { code, message, declineCode, retryAfterMs } = first;
  const summary = `${code}${declineCode === undefined ? '' : ` (${declineCode})`}`;
  const facts = { ...factsOf(question, summary, requestId), detail: message, retryAfterMs };
  if (isCodeOf(USER_ERRORS, code)) return new USER_ERRORS[code](code as never, facts, payload, all);
  return new UserError(code, facts, payload, all);
}

async function currentCredential(wire: Wire): Promise<string> {
  return typeof wire.credential === 'string' ? wire.credential : wire.credential();
}

async function sendOnce(wire: Wire, question: Question, credential: string, signal: AbortSignal): Promise<Answer> {
  const { text: query, variables, idempotencyKey } = question;
  assertHeader('credential', credential);
  if (idempotencyKey !== null) assertHeader('idempotency key', idempotencyKey);
  const headers = { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${credential}` };
  let response: Response;
  let text: string;
  try {
    response = await wire.fetch(wire.url, {
      method: 'POST',
      headers: idempotencyKey === null ? headers : { ...headers, 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ query, variables }),
      // The credential is for this address alone.
      redirect: 'manual',
      signal,
    });
    text = await response.text();
  } catch (cause) {
    throw new NoAnswer({ ...factsOf(question, 'nobody answered', null), cause });
  }
  return answerOf(question, response, text);
}

function answerOf(question: Question, response: Response, text: string): Answer {
  const requestId = response.headers.get('x-request-id');
  const body = bodyIn(text);
  if (body === null) {
    const facts = factsOf(question, `something else than the gateway answered with status ${response.status}`, requestId);
    throw new NoAnswer({ ...facts, retryAfterMs: retryAfterMsOf(response) }, response.status);
  }
  const [fault] = body.errors ?? [];
  if (fault !== undefined) throw requestErrorOf(question, response, body, fault);
  return { data: body.data ?? {}, requestId };
}

function requestErrorOf(question: Question, response: Response, body: Body, fault: GraphQLFault): RequestError {
  const { code = 'INTERNAL', retryAfterMs, rateLimit } = fault.extensions ?? {};
  const facts = {
    ...factsOf(question, code, response.headers.get('x-request-id')),
    detail: fault.message ?? null,
    retryAfterMs: rateLimit?.retryAfterMs ?? retryAfterMs ?? retryAfterMsOf(response),
  };
  const more = { status: response.status, path: fault.path ?? null, outcome: body.extensions?.outcome ?? null };
  if (isCodeOf(REQUEST_ERRORS, code)) return new REQUEST_ERRORS[code](code as never, facts, more);
  return new RequestError(code, facts, more);
}

/** What a platform says of a header that it cannot send has the header in it. */
function assertHeader(what: string, value: string): void {
  if (!/^[\x20-\x7e]+$/.test(value)) throw new TypeError(`The ${what} has characters that no header may have.`);
}

function factsOf({ operation, idempotencyKey }: Question, what: string, requestId: string | null) {
  return { operation, idempotencyKey, requestId, summary: requestId === null ? what : `${what}, request ${requestId}` };
}

/** The body, if it is an answer of GraphQL. */
function bodyIn(text: string): Body | null {
  try {
    const body: unknown = JSON.parse(text);
    const isAnswer = typeof body === 'object' && body !== null && ('data' in body || ('errors' in body && Array.isArray(body.errors)));
    return isAnswer ? (body as Body) : null;
  } catch {
    return null;
  }
}

/** The header counts seconds; a date in it is of no clock that we know. */
function retryAfterMsOf(response: Response): number | null {
  const seconds = response.headers.get('retry-after');
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : null;
}

function isCodeOf<Table extends object>(table: Table, code: string): code is keyof Table & string {
  return Object.hasOwn(table, code);
}
