import { isLoopbackHost } from '../platform/loopback.js';
import { behaviourInput } from './behaviour.js';
import { faultInput, latencyOptions, provisionInput } from './control-input.js';
import { changeDispute, endAction, giveBack, mintToken, setDecline, setOutcomes, settle } from './control-money.js';
import { changeWebhooks } from './control-webhooks.js';
import type { Engine } from './engine.js';
import type { Faults } from './faults.js';
import { Fields, isObject } from './fields.js';
import { badRequest, HttpError } from './http-error.js';
import type { Latency } from './latency.js';
import { provisionAccount } from './provision.js';
import type { RequestLog } from './request-log.js';
import { runBatch } from './resources/charges.js';
import type { Answer, PageRequest, Pages } from './server.js';
import { sortedJson } from './sorted-json.js';
import { stateDump } from './state-dump.js';
import type { WritesUnderWay } from './under-way.js';

/** What the control surface steers. */
export interface ControlParts {
  engine: Engine;
  faults: Faults;
  latency: Latency;
  log: RequestLog;
  underWay: WritesUnderWay;
}

/** One command: what a request to `/_sandbox/<name>` does. The result is the JSON of the answer. */
type Command = (parts: ControlParts, body: unknown) => unknown;

/**
 * The control surface under /_sandbox/: JSON in, JSON out, no key. It is for programs on the same machine, and for no
 * page of another site that a browser here shows.
 */
export function controlPages(parts: ControlParts): Pages {
  return async (request) => {
    const { method, url, body } = request;
    const name = /^\/_sandbox\/([a-z]+)$/.exec(url.pathname)?.[1];
    if (name === undefined) return undefined;
    try {
      assertFromHere(request);
      if (method === 'GET') return answer(200, read(parts, name, url.searchParams));
      const command = COMMANDS[name];
      if (method !== 'POST' || command === undefined) throw new HttpError(404, `Cannot ${method} ${url.pathname}`);
      const result = await command(parts, parsed(body));
      parts.engine.webhooks.pump();
      return answer(200, result ?? {});
    } catch (error) {
      if (error instanceof HttpError) return answer(error.status, error.body);
      throw error;
    }
  };
}

const COMMANDS: Record<string, Command> = {
  reset,
  seed: (parts, body) => parts.engine.transaction(() => seed(parts.engine, body)),
  provision: (parts, body) => parts.engine.transaction(() => provision(parts.engine, body)),
  clock: moveClock,
  drain: (parts) => parts.engine.drain(),
  batch: (parts) => parts.engine.transaction(() => ({ batched: runBatch(parts.engine) })),
  settle: (parts, body) => parts.engine.transaction(() => settle(parts.engine, body)),
  return: (parts, body) => parts.engine.transaction(() => giveBack(parts.engine, body)),
  disputes: (parts, body) => parts.engine.transaction(() => changeDispute(parts.engine, body)),
  declines: (parts, body) => parts.engine.transaction(() => setDecline(parts.engine, body)),
  outcomes: (parts, body) => parts.engine.transaction(() => setOutcomes(parts.engine, body)),
  action: (parts, body) => parts.engine.transaction(() => endAction(parts.engine, body)),
  underway: async (parts) => ({ finished: await parts.underWay.finishAll() }),
  lag: (parts, body) => setLag(parts.engine, body),
  behaviour: ({ engine }, body) => {
    engine.behaviour = { ...engine.behaviour, ...behaviourInput(body) };
    return engine.behaviour;
  },
  tokens: (parts, body) => parts.engine.transaction(() => mintToken(parts.engine, body)),
  faults: changeFaults,
  latency: (parts, body) => parts.latency.set(isObject(body) && body.medianMs !== undefined ? latencyOptions(body) : undefined),
  webhooks: (parts, body) => changeWebhooks(parts.engine, body),
};

/**
 * 403 for what was sent to a name that is not this machine's (it may be anybody's that leads here), or by a page of
 * another site; 415 for a body that a page may send anywhere without asking: any but JSON.
 */
function assertFromHere({ headers, body }: PageRequest): void {
  if (!isLoopbackHost(headers.host)) throw new HttpError(403, 'The control surface is for this machine: ask localhost');
  const { origin } = headers;
  if (origin !== undefined && !(URL.canParse(origin) && isLoopbackHost(new URL(origin).host)))
    throw new HttpError(403, 'The control surface is not for pages of other sites');
  const isJson = /^application\/json(?:\s*;|$)/i.test(headers['content-type'] ?? '');
  if (body !== '' && !isJson) throw new HttpError(415, 'The body must be application/json');
}

function read(parts: ControlParts, name: string, query: URLSearchParams): unknown {
  if (name === 'state') return stateDump(parts.engine, query.get('collection'));
  if (name === 'faults') return { faults: parts.faults.list() };
  if (name === 'clock') return { now: parts.engine.clock.iso(), isFrozen: parts.engine.clock.isFrozen };
  if (name === 'behaviour') return parts.engine.behaviour;
  if (name === 'underway') return { underWay: parts.underWay.list() };
  if (name !== 'requests') throw new HttpError(404, `Cannot GET /_sandbox/${name}`);
  const afterN = Number(query.get('after') ?? 0);
  return { requests: parts.log.list({ operation: query.get('operation') ?? undefined, afterN }) };
}

function reset(parts: ControlParts): void {
  parts.underWay.abandonAll();
  parts.engine.reset();
  parts.faults.clear();
  parts.latency.set(undefined);
  parts.log.clear();
}

function seed(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const inputs = fields.requiredObjects('accounts', { min: 1, max: 1_000 }).map(provisionInput);
  fields.assertValid();
  return { accounts: inputs.map((input) => provisionAccount(engine, input)) };
}

function provision(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const input = provisionInput(fields);
  fields.assertValid();
  return provisionAccount(engine, input);
}

async function moveClock(parts: ControlParts, body: unknown): Promise<unknown> {
  const { engine } = parts;
  const fields = new Fields(body);
  const advanceMs = fields.integer('advanceMs', { min: 0 });
  const to = fields.time('to');
  fields.assertValid();
  if (typeof advanceMs !== 'number' && typeof to !== 'string') throw badRequest('advanceMs or to is required');
  const targetMs = typeof to === 'string' ? Date.parse(to) : engine.clock.now() + (advanceMs ?? 0);
  if (targetMs < engine.clock.now()) throw badRequest('Time does not run backwards');
  await engine.advanceTo(targetMs);
  return { now: engine.clock.iso() };
}

function changeFaults(parts: ControlParts, body: unknown): unknown {
  const fields = new Fields(body);
  if (fields.boolean('clear') === true) {
    parts.faults.clear();
    return { faults: [] };
  }
  return parts.faults.add(faultInput(fields, body));
}

/** {listMs}: how long new objects are missing in lists. */
function setLag(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const listMs = fields.requiredInteger('listMs', { min: 0 });
  fields.assertValid();
  engine.listLagMs = listMs;
  return { listMs };
}

function parsed(body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw badRequest('The body must be JSON');
  }
}

function answer(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: sortedJson(value) };
}
