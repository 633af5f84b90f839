import { expect } from '@jest/globals';
import { freePort, RunningProcess } from './processes.js';
import type { TestApp, World } from './world.js';

const QUERY = JSON.stringify({ query: '{ app { id } }' });

/** One query to a gateway; its status and headers. */
export function ask(url: string, credential: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', authorization: `Bearer ${credential}`, ...headers };
  return fetch(`${url}/graphql`, { method: 'POST', headers: all, body: QUERY });
}

export function countOf(statuses: readonly number[], status: number): number {
  return statuses.filter((seen) => seen === status).length;
}

/** Two processes of the gateway admit exactly the limit of an app together, and five failed authentications of one address; `known` sent nothing yet. */
export async function expectSharedLimits(world: World, known: TestApp, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const fresh = await world.app();
  const limits = { BILLING_REQUESTS_PER_WINDOW: '60', BILLING_FAILED_AUTHENTICATIONS_PER_WINDOW: '5', ...more };
  const start = async () => {
    const port = await freePort();
    const environment = { ...world.environment, ...limits, PORT: String(port), BILLING_WORKER: 'off' };
    return { url: `http://127.0.0.1:${port}`, process: await RunningProcess.start(['dist/src/main.js'], environment, 'gateway started') };
  };
  const both = await Promise.all([start(), start()]);
  const urlOf = (turn: number) => both[turn % 2]?.url ?? '';
  const statuses = await Promise.all(Array.from({ length: 100 }, async (_, turn) => (await ask(urlOf(turn), fresh.key)).status));
  expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([60, 40]);
  const wrong: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) wrong.push((await ask(urlOf(turn), `bg_svc_wrong${turn}`)).status);
  expect(wrong).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429, 429]);
  // A right key passes all the same, also one that nobody showed here yet.
  expect((await ask(urlOf(0), fresh.key)).headers.get('ratelimit-limit')).toBe('60');
  for (const turn of [0, 1]) expect((await ask(urlOf(turn), known.key)).status).toBe(200);
  for (const { process } of both) expect((await process.end('SIGTERM')).status).toBe(0);
}
