/**
 * `npm run bench:against`: builds of several revisions in turns in one run, each on a database of its own on one server. Figures of the
 * second and later ones are followed by their ratio to the first.
 *
 *   --revision REV[,REV…]   70ee52d,here: revisions of git, and `here`, the working tree
 *   --only PART[,PART…]     read, lists, ingest, write, saturation, start; all
 *   --rounds N --seconds S  8 rounds of 3 s for each contestant, drawn into a new order each round (a payment's rounds are twice as long)
 *   --json                  prints the figures for programs too
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestServer } from '../test/support/database-server.mjs';
import { PARTS } from './kit/against.parts.mjs';
import { forgetBuilds, openBuild } from './kit/builds.mjs';
import { assertWrk } from './kit/load.mjs';
import { killAll } from './kit/processes.mjs';
import { startTilled } from './kit/tilled.mjs';

const { values } = parseArgs({
  options: {
    revision: { type: 'string', default: '70ee52d,here' },
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const names = values.only.split(',');
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}: the parts are ${Object.keys(PARTS).join(', ')}.`);
assertWrk();

const directory = mkdtempSync(join(tmpdir(), 'billing-against-'));
const server = await openTestServer(directory, 'bg_against_');
const tilled = await startTilled();
try {
  const builds = [];
  for (const revision of values.revision.split(',')) builds.push(await openBuild(revision, { directory, server, tilled }));
  const rig = { builds, tilled, directory, rounds: Number(values.rounds), seconds: Number(values.seconds) };
  for (const name of names) {
    const found = await PARTS[name](rig);
    console.log(`\n${name}\n\n${tableOf(found, builds[0].name)}`);
    if (values.json) console.log(JSON.stringify({ [name]: found }));
  }
} finally {
  killAll();
  tilled.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
  forgetBuilds();
}

/** Figures by contestant, each beside its ratio to the contestant of the first build: of the same kind where a build has several. */
function tableOf(found, first) {
  const figures = {
    perSecond: 'a second',
    p50: 'p50 ms',
    p95: 'p95 ms',
    cpuMicros: 'CPU µs',
    firstAnswerMs: 'first answer ms',
    firstAnswerCpuMs: 'CPU ms until then',
    rssMb: 'MB',
    refused: 'refused',
  };
  const shown = Object.keys(figures).filter((figure) => Object.values(found).some((one) => figure in one));
  const rows = Object.entries(found).map(([name, one]) => {
    const base = found[`${first}${/, \w+$/.exec(name)?.[0] ?? ''}`];
    const cell = (figure) => `${one[figure].toFixed(1)}${base === one ? '' : ` (${(one[figure] / base[figure]).toFixed(2)})`}`;
    return `| ${[name, ...shown.map((figure) => (figure === 'refused' ? one[figure] : cell(figure)))].join(' | ')} |`;
  });
  return [`| | ${shown.map((figure) => figures[figure]).join(' | ')} |`, `|---|${'---|'.repeat(shown.length)}`, ...rows].join('\n');
}
