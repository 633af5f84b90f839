import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MoneyModel, TIMEOUT_MS } from '../support/money-model.js';
import { runs as anyRun } from '../support/money-steps.js';
import { World } from '../support/world.js';

/**
 * MONEY_MODEL_RUNS=500 makes more runs; MONEY_MODEL_SEED and MONEY_MODEL_PATH, which a failing run prints, make that run
 * again and look for a smaller one that fails too.
 */
const RUNS = Number(process.env['MONEY_MODEL_RUNS'] ?? 6);
const SEED = process.env['MONEY_MODEL_SEED'];
const PATH = process.env['MONEY_MODEL_PATH'];
const MS_A_RUN = 60_000;
/** On a machine that is busy with other things the suite makes fewer runs, but one at least, ms. */
const BUDGET_MS = process.env['MONEY_MODEL_RUNS'] === undefined ? 30_000 : Number.POSITIVE_INFINITY;
/** What earlier runs left makes the books slow to compare. */
const RUNS_A_WORLD = 10;
/** What happened, to see that it did. */
const seen = { requests: 0, told: 0, notYet: 0, repeated: 0, faults: 0, charges: 0, refunds: 0, deaths: 0, held: 0 };

describe('money, whatever happens', () => {
  let world: World | null = null;

  afterAll(() => world?.end());

  it(
    'moves exactly once: our books are Tilled’s, and what clients were told is so',
    async () => {
      let model: MoneyModel | null = null;
      let runs = 0;
      const begunAt = performance.now();
      const freshModel = async () => {
        await world?.end();
        world = await World.create({ tilledTimeoutMs: TIMEOUT_MS });
        return new MoneyModel(world, seen);
      };
      const property = fc.asyncProperty(anyRun, async (taken) => {
        if (runs > 0 && performance.now() - begunAt > BUDGET_MS) return;
        if (model === null || runs % RUNS_A_WORLD === 0) model = await freshModel();
        runs += 1;
        expect(await model.run(taken)).toEqual([]);
      });
      const again = SEED === undefined ? {} : { seed: Number(SEED), ...(PATH === undefined ? {} : { path: PATH }) };
      const details = await fc.check(property, { numRuns: RUNS, endOnFailure: PATH === undefined, ...again });
      if (details.failed) {
        const rerun = `MONEY_MODEL_SEED=${details.seed} MONEY_MODEL_PATH=${details.counterexamplePath}`;
        const again = `This run again: ${rerun} npm test -- test/scenarios/money-model.test.ts`;
        throw new Error(`${fc.defaultReportMessage(details)}\n\n${again}`, { cause: details.errorInstance });
      }
      if (process.env['MONEY_MODEL_RUNS'] !== undefined) process.stdout.write(`${RUNS} runs: ${JSON.stringify(seen)}\n`);
    },
    MS_A_RUN * (PATH === undefined ? RUNS : 200),
  );
});
