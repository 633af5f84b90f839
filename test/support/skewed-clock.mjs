/**
 * Loaded before a process of ours (`--import`): shifts its clock of the wall by as many ms as the file CLOCK_OFFSET_FILE says now, so that
 * it can jump while the process runs. Only Date: time that only passes (performance.now, timers) stays, as when a machine's clock is set.
 */
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_OFFSET_FILE;
/** How old what was read may be, ms. */
const READ_EVERY_MS = 20;

if (file !== undefined) {
  const TrueDate = Date;
  let offsetMs = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  const now = () => {
    if (performance.now() - readAtMs >= READ_EVERY_MS) {
      readAtMs = performance.now();
      offsetMs = Number(readFileSync(file, 'utf8'));
    }
    return TrueDate.now() + offsetMs;
  };
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new TrueDate(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
}
