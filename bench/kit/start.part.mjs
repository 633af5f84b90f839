import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, shuffled } from './load.mjs';
import { cpuMicros, rssMb, startContestant } from './processes.mjs';

/** Memory is looked at so long after the first answer: what start-up left behind is part of it, what is loaded a little later too. */
const SETTLED_MS = 1_000;
const QUERY = '{ customers(first: 1) { nodes { id email } } }';

/**
 * From spawn to the first answered query, the processor time until then, and memory after it: with nothing configured (`npm start`: embedded
 * database and sandbox) and on the server. The first start of each, which makes files and fills the disk's cache, is not counted.
 */
export async function startPart({ builds, rounds, directory }) {
  const entries = builds.flatMap((build) => [embedded(build, directory), onServer(build)]);
  const found = new Map(entries.map(({ name }) => [name, []]));
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const entry of shuffled(entries)) {
      const measured = await started(entry);
      if (turn > 0) found.get(entry.name).push(measured);
    }
  }
  const medians = (all) => Object.fromEntries(Object.keys(all[0]).map((figure) => [figure, median(all.map((one) => one[figure]))]));
  return Object.fromEntries([...found].map(([name, all]) => [name, medians(all)]));
}

function embedded({ name, folder }, directory) {
  const dataDir = mkdtempSync(join(directory, 'data-'));
  const environment = { NODE_ENV: 'development', BILLING_DATA_DIR: dataDir, TILLED_SANDBOX_PORT: '0', LOG_LEVEL: 'warn' };
  const keyOf = () => /^BILLING_SERVICE_KEY=(.*)$/m.exec(readFileSync(join(dataDir, 'demo.env'), 'utf8'))?.[1];
  return { name: `${name}, embedded`, folder, environment, keyOf };
}

function onServer({ name, folder, environment, key }) {
  return { name: `${name}, server`, folder, environment, keyOf: () => key };
}

async function started({ name, folder, environment, keyOf }) {
  const begun = performance.now();
  const contestant = await startContestant({ name, folder, args: ['dist/src/main.js'], environment });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${keyOf()}` };
  const answer = await fetch(`${contestant.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: QUERY }) });
  const { data } = await answer.json();
  if (!data?.customers) throw new Error(`${name} did not answer a query.`);
  const [firstAnswerMs, firstAnswerCpuMs] = [performance.now() - begun, cpuMicros(contestant.pid) / 1_000];
  await sleep(SETTLED_MS);
  const found = { firstAnswerMs, firstAnswerCpuMs, rssMb: rssMb(contestant.pid) };
  await contestant.stop();
  return found;
}
