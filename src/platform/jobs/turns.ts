import { JobPriority } from './job.entity.js';

/** How much work of an app is due at a priority. */
export interface DueWork {
  readonly priority: number;
  readonly appId: string;
  readonly count: number;
}

/** How much work of an app and priority a worker may take now. */
export type Turn = DueWork;

/** How many pieces of work a worker may do at once. */
export const IN_PROGRESS_MAX = 32;
/** So many of them at most are for one app: another's work never waits for its backlog. */
const OF_ONE_APP_MAX = 24;
/** So many at most are for work of a priority and all below it: what comes before always finds a free slot. */
const FROM: Readonly<Record<number, number>> = { [JobPriority.INTENT]: IN_PROGRESS_MAX, [JobPriority.NEWS]: 24, [JobPriority.SWEEP]: 8 };

/** How many pieces of work a worker may do at once, of which priorities, and for whom. */
export interface Slots {
  readonly all: number;
  readonly ofOneApp: number;
  /** By priority: so many at most are for work of it and all below it. There is no work of others. */
  readonly from: Readonly<Record<number, number>>;
}

/** The slots of the worker that finishes mutations, hears news and sweeps. */
export const WORK_SLOTS: Slots = { all: IN_PROGRESS_MAX, ofOneApp: OF_ONE_APP_MAX, from: FROM };

/**
 * The slots of the worker that delivers. They do no more than wait for receivers, and an app has fewer endpoints than
 * it may have slots: one that hangs keeps its own slot only, and no app can keep another's.
 */
export const DELIVERY_SLOTS: Slots = { all: 256, ofOneApp: 64, from: { [JobPriority.DELIVERY]: 256 } };

/** What a worker is doing now, one entry a piece of work. */
export type InProgress = readonly Pick<DueWork, 'priority' | 'appId'>[];

/**
 * Shares `free` slots out: a priority before those below it, and within it one app after the other, beginning with the
 * one that has least in progress. Slots that the bounds leave over stay free.
 */
export function shareOut(due: readonly DueWork[], inProgress: InProgress, free: number, slots: Slots = WORK_SLOTS): Turn[] {
  const taken: Pick<DueWork, 'priority' | 'appId'>[] = [...inProgress];
  const ofApp = (appId: string) => taken.filter((one) => one.appId === appId).length;
  // A slot counts against the bound of its priority and of all before it, which keep their own slots from it too.
  const isBounded = (priority: number) =>
    Object.entries(slots.from).some(
      ([from, most]) => priority >= Number(from) && taken.filter((one) => one.priority >= Number(from)).length >= most,
    );
  const turns = new Map<DueWork, number>();
  for (const priority of [...new Set(due.map((work) => work.priority))].sort((one, other) => one - other)) {
    const works = due.filter((work) => work.priority === priority);
    for (;;) {
      const open = works.filter((work) => (turns.get(work) ?? 0) < work.count && ofApp(work.appId) < slots.ofOneApp);
      const next = open.sort((one, other) => ofApp(one.appId) - ofApp(other.appId))[0];
      if (next === undefined || taken.length - inProgress.length >= free || isBounded(priority)) break;
      taken.push(next);
      turns.set(next, (turns.get(next) ?? 0) + 1);
    }
  }
  return [...turns].map(([work, count]) => ({ ...work, count }));
}
