import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { BODY_BYTES_MAX } from './assumptions.js';
import { authenticate } from './auth.js';
import type { Call, Route } from './call.js';
import type { Engine } from './engine.js';
import type { Fault, Faults } from './faults.js';
import { faultAnswer } from './faults.js';
import { HttpError, InvalidRequest } from './http-error.js';
import type { Latency } from './latency.js';
import { Query } from './query.js';
import type { RequestEntry, RequestLog } from './request-log.js';
import { blankAccount } from './resources/accounts.js';
import type { Router } from './router.js';
import { sortedJson } from './sorted-json.js';
import type { WritesUnderWay } from './under-way.js';
import { WriteAbandoned } from './under-way.js';

/** What answers a request outside of /v1: undefined when the path is not its own. */
export type Pages = (request: PageRequest) => Answer | Promise<Answer | undefined> | undefined;

/** A request outside of /v1. */
export interface PageRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An answer ready to be sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What the HTTP side of the sandbox consists of. */
export interface ServerParts {
  engine: Engine;
  router: Router;
  faults: Faults;
  latency: Latency;
  log: RequestLog;
  underWay: WritesUnderWay;
  pages: readonly Pages[];
}

interface ServingParts extends ServerParts {
  /** Holds an answer back; throws if the server closes meanwhile. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The HTTP server, not yet listening. */
export function sandboxServer(parts: ServerParts): Server {
  const closed = new AbortController();
  const pause = (ms: number) => wait(ms, undefined, { signal: closed.signal });
  const server = createServer((request, response) => {
    serve({ ...parts, pause }, request, response).catch((error: unknown) => {
      // An answer that was held back, or a write that was under way, when the sandbox was closed or reset.
      if (closed.signal.aborted || error instanceof WriteAbandoned) return void request.socket.destroy();
      // Only a defect of the sandbox itself comes here; the caller sees what Tilled would show of one.
      process.stderr.write(`sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent) send(response, errorAnswer(new HttpError(500, 'Internal server error')));
    });
  });
  server.once('close', () => closed.abort());
  server.keepAliveTimeout = 65_000;
  return server;
}

async function serve(parts: ServingParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const raw = await readBody(request);
  if (url.pathname.startsWith('/v1')) return serveApi(parts, { method, url, raw, request, response });
  for (const page of parts.pages) {
    const answer = await page({ method, url, headers: request.headers, body: raw?.toString('utf8') ?? '' });
    if (answer !== undefined) return send(response, answer);
  }
  send(response, errorAnswer(new HttpError(404, `Cannot ${method} ${url.pathname}`)));
}

interface ApiRequest {
  method: string;
  url: URL;
  raw: Buffer | null;
  request: IncomingMessage;
  response: ServerResponse;
}

async function serveApi(parts: ServingParts, api: ApiRequest): Promise<void> {
  const { engine, faults, latency } = parts;
  const requestId = engine.ids.request();
  const found = parts.router.find(api.method, api.url.pathname);
  const operation = found === undefined ? `${api.method} ${api.url.pathname}` : `${api.method} ${found.route.path}`;
  const body = await parsedBody(api);
  const entry = noteRequest(parts, { api, operation, body, requestId });
  const fault = faults.strike(api.method, api.url.pathname);
  entry.fault = fault?.id ?? null;
  const latencyMs = latency.nextMs(operation);
  if (latencyMs > 0) await parts.pause(latencyMs);
  if (fault?.when === 'before' && (await endsByFault(parts, fault, { api, entry, requestId }))) return;
  const answer = await carryOut(parts, { api, found, body, fault });
  if (fault !== undefined && fault.when !== 'before' && (await endsByFault(parts, fault, { api, entry, requestId })))
    return engine.webhooks.pump();
  entry.status = answer.status;
  send(api.response, { ...answer, headers: { ...answer.headers, 'request-id': requestId } });
  engine.webhooks.pump();
}

interface Asked {
  api: ApiRequest;
  found: { route: Route; id: string } | undefined;
  body: unknown;
  fault: Fault | undefined;
}

/** Does what the request asks for and renders the answer; then whatever that made due. */
async function carryOut({ engine, underWay }: ServerParts, asked: Asked): Promise<Answer> {
  const { api, found, body, fault } = asked;
  try {
    if (found === undefined) throw new HttpError(404, `Cannot ${api.method} ${api.url.pathname}`);
    const { route, id } = found;
    const account = route.area === undefined ? blankAccount('', 'merchant', '') : authenticate(engine.store, api.request.headers, route);
    if (api.raw !== null && api.raw.length > BODY_BYTES_MAX) throw new HttpError(413, 'request entity too large');
    if (body === UNREADABLE) throw new InvalidRequest('Unexpected token in JSON');
    const call: Call = { engine, account, id, query: new Query(api.url.searchParams), body };
    const result = await underWay.carryOut({ route, call, path: api.url.pathname, fault });
    engine.runDueTimers();
    return { status: route.status, headers: result === '' ? {} : JSON_HEADERS, body: result };
  } catch (error) {
    if (error instanceof HttpError) return errorAnswer(asBehaved(engine, error));
    throw error;
  }
}

/** A refusal because of some object's state has the status that a test may have chosen for all of them. */
function asBehaved({ behaviour }: Engine, error: HttpError): HttpError {
  const isOfState = error.status === 400 && !(error instanceof InvalidRequest);
  return isOfState ? new HttpError(Number(behaviour.stateError), error.message, error.code) : error;
}

async function endsByFault(
  { pause }: ServingParts,
  fault: Fault,
  about: { api: ApiRequest; entry: RequestEntry; requestId: string },
): Promise<boolean> {
  // A write that was under way has taken its time already.
  if (fault.delayMs !== undefined && fault.when !== 'during') await pause(fault.delayMs);
  if (fault.drop === true) {
    about.entry.status = 0;
    about.api.request.socket.destroy();
    return true;
  }
  if (fault.status === undefined) return false;
  about.entry.status = fault.status;
  const answer = faultAnswer({ ...fault, status: fault.status });
  send(about.api.response, { ...answer, headers: { ...answer.headers, 'request-id': about.requestId } });
  return true;
}

function noteRequest(parts: ServerParts, input: { api: ApiRequest; operation: string; body: unknown; requestId: string }): RequestEntry {
  const { api, operation, body, requestId } = input;
  const account = api.request.headers['tilled-account'];
  return parts.log.note({
    at: parts.engine.clock.iso(),
    operation,
    method: api.method,
    path: api.url.pathname,
    query: decodeURIComponent(api.url.search.replace(/%(?![0-9a-f]{2})/gi, '%25')),
    account: typeof account === 'string' ? account : null,
    body: body === UNREADABLE ? null : (body ?? null),
    request_id: requestId,
  });
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Stands for a body that is no JSON; told from every JSON value. */
const UNREADABLE = Symbol('unreadable body');

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    // The rest of a giant body is read but not kept; the length still tells that it was too large.
    if (length <= BODY_BYTES_MAX + 65_536) chunks.push(chunk);
  }
  return chunks.length === 0 ? null : Buffer.concat(chunks);
}

async function parsedBody(api: ApiRequest): Promise<unknown> {
  if (api.raw === null) return undefined;
  const contentType = api.request.headers['content-type'] ?? '';
  if (contentType.startsWith('multipart/form-data')) return multipartBody(api.raw, contentType);
  try {
    return JSON.parse(api.raw.toString('utf8'));
  } catch {
    return UNREADABLE;
  }
}

/** The parts of a form: text as text, a file as its name, type and size. Its contents are not kept. */
async function multipartBody(raw: Buffer, contentType: string): Promise<unknown> {
  try {
    const form = await new Response(new Uint8Array(raw), { headers: { 'content-type': contentType } }).formData();
    const fields: Record<string, unknown> = {};
    for (const [name, value] of form) {
      fields[name] = typeof value === 'string' ? value : { filename: value.name, content_type: value.type, size: value.size };
    }
    return fields;
  } catch {
    return UNREADABLE;
  }
}

function errorAnswer(error: HttpError): Answer {
  return { status: error.status, headers: JSON_HEADERS, body: sortedJson(error.body) };
}

function send(response: ServerResponse, answer: Answer): void {
  const length = Buffer.byteLength(answer.body);
  const headers = answer.status === 204 ? answer.headers : { ...answer.headers, 'content-length': String(length) };
  response.writeHead(answer.status, headers);
  response.end(answer.body);
}
