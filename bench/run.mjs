import { parseArgs } from 'node:util';
import { readPart } from './kit/read.part.mjs';
import { openStage, rigOf } from './kit/stage.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'read' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});
const PARTS = { read: readPart };
const measure = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
const stage = await openStage(100_000);
try {
  const rig = await rigOf(stage);
  console.log(rig);
  for (const name of values.only.split(',')) {
    const { raw, ratios } = await PARTS[name](stage, measure);
    console.dir({ raw, ratios }, { depth: 6 });
  }
} finally {
  await stage.close();
}
