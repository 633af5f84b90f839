/**
 * `npm run chaos`: gateways and workers on one database under load, while what they need is taken away; then holds our books against
 * Tilled's and against all that clients were ever told. Status 1 if anything is lost, doubled, wrong or unknown. Two trials:
 *
 * On the embedded database or a server, two gateways and two workers, each with a clock of its own, are killed and frozen again and again
 * while Tilled fails, answers late and carries out later still.
 *
 * On a cluster (`npm run chaos:galera`) three gateways and two workers stay, and its nodes go: one is killed each minute and started again,
 * and then another one frozen, cut off from the group, or cut off from its clients, in turn. Needs root, for networks that can be cut.
 *
 *   CHAOS_SEED      decides load, faults, clocks and moments of killing (not how the processes interleave); printed
 *   CHAOS_DATABASE  embedded, galera, or mysql://user:password@host:port of a server on which a database of its own is made
 *   CHAOS_KILLS     200 processes, not on a cluster; what a run with as many says is kept in RESULTS.md
 *   CHAOS_HOSTS     on a cluster: order (all processes name all nodes in the same order), random, or own (each knows one node)
 *   CHAOS_MINUTES   10, on a cluster; what a run of as many says is kept in RESULTS.md
 */

import { Clients } from './clients.mjs';
import { NodeTrial } from './node-trial.mjs';
import { ProcessTrial } from './process-trial.mjs';
import { inspect } from './report.mjs';
import { keepResult } from './results.mjs';
import { settle } from './settle.mjs';
import { Stage } from './stage.mjs';

const seed = process.env.CHAOS_SEED ?? Math.random().toString(36).slice(2, 8);
const database = process.env.CHAOS_DATABASE ?? 'embedded';
const trial = database === 'galera' ? new NodeTrial(seed) : new ProcessTrial(seed);

console.log(`seed ${seed}, ${trial.describedAs}, ${database.replace(/^mysql:.*/, 'database server')}`);
process.exitCode = await main();

async function main() {
  const stage = await Stage.open({ seed, database, ...trial.cast });
  let isSound = false;
  try {
    const clients = new Clients(stage, seed, trial.patience);
    const beganAt = Date.now();
    await trial.run(stage, clients);
    const loadSeconds = Math.floor((Date.now() - beganAt) / 1_000);
    const left = await settle(stage, clients);
    const seconds = Math.floor((Date.now() - beganAt) / 1_000);
    const found = await inspect({ stage, clients, left });
    const { lines, off } = await trial.report({ stage, clients, seconds, loadSeconds, ...found });
    console.log(lines.join('\n'));
    if (trial.isFull) keepResult(stage.place.name, [`Seed \`${seed}\`.`, ...lines]);
    isSound = Object.values(off).every((list) => list.length === 0);
    return isSound ? 0 : 1;
  } finally {
    if (!isSound) console.log(`CHAOS_SEED=${seed}; kept: ${stage.directory} and ${stage.place.keptAs}`);
    await stage.close({ keep: !isSound });
  }
}
