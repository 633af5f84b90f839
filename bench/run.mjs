/**
 * `npm run bench`: the gateway beside what a user would pick instead, and beside the physical limit. README.md says what is measured how.
 *
 *   npm run bench                                  everything; about 35 minutes
 *   npm run bench -- --only read,ingest            parts: read, ingest, write, growth, sweep, soak, scale
 *   npm run bench -- --quick                       short rounds, small data; writes no results
 */
import { parseArgs } from 'node:util';
import { growthPart } from './kit/growth.part.mjs';
import { ingestPart } from './kit/ingest.part.mjs';
import { assertWrk } from './kit/load.mjs';
import { readPart } from './kit/read.part.mjs';
import { keepResults, tableOf } from './kit/results.mjs';
import { scalePart } from './kit/scale.part.mjs';
import { soakPart } from './kit/soak.part.mjs';
import { openStage, rigOf } from './kit/stage.mjs';
import { sweepPart } from './kit/sweep.part.mjs';
import { writePart } from './kit/write.part.mjs';

const PARTS = {
  read: readPart,
  ingest: ingestPart,
  write: writePart,
  growth: growthPart,
  sweep: sweepPart,
  scale: scalePart,
  soak: soakPart,
};
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const measure = {
  // Many short turns: what disturbs a machine often lasts some seconds, and would hit one contestant alone in a longer turn.
  rounds: Number(values.rounds ?? (values.quick ? 1 : 12)),
  seconds: Number(values.seconds ?? (values.quick ? 1 : 2)),
  // Of what takes no turns: a step of the sweep, a number of gateways.
  stepSeconds: values.quick ? 1 : 5,
  sizes: values.quick ? [1_000, 10_000] : [1_000, 100_000, 1_000_000],
  soakSeconds: values.quick ? 20 : 600,
  queued: values.quick ? 100 : 1_000,
};

const names = values.only.split(',');
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}: the parts are ${Object.keys(PARTS).join(', ')}.`);
assertWrk();

const startedAt = new Date();
const stage = await openStage(values.quick ? 2_000 : 100_000);
try {
  const rig = await rigOf(stage);
  const parts = {};
  for (const name of names) {
    console.log(`\n${name} …`);
    parts[name] = await PARTS[name](stage, measure);
    console.dir(parts[name].raw, { depth: 5 });
    if (Object.keys(parts[name].ratios).length > 0) console.log(tableOf(parts[name].ratios));
  }
  console.log(`\n${JSON.stringify(rig)}`);
  if (!values.quick) keepResults({ rig, parts, startedAt });
} finally {
  await stage.close();
}
