import { JobPriority } from './job.entity.js';

/** How much work of an app is due at a priority. */
export interface DueWork {
  readonly priority: number;
  readonly appId: string;
  readonly count: number;
}

/** How much of a kind of work may be taken now. */
export type Turn = DueWork;

/** How many pieces of work a worker may have in hand at once. */
export const HANDS = 32;
/** So many of them at most are for one app: another's work never waits for its backlog. */
const OF_ONE_APP = 24;
/** So many at most are for work of a priority and all below it: what comes before always finds hands. */
const FROM: Readonly<Record<number, number>> = { [JobPriority.INTENT]: HANDS, [JobPriority.NEWS]: 24, [JobPriority.SWEEP]: 8 };

/** What is in hand: one a piece of work. */
export type InHand = readonly Pick<DueWork, 'priority' | 'appId'>[];

/**
 * Shares free hands out: a priority before those below it, within it one app after the other, beginning with the one that has least in
 * hand. What is left over by the bounds stays free.
 */
export function sharedOut(due: readonly DueWork[], inHand: InHand, free: number): Turn[] {
  const given: Pick<DueWork, 'priority' | 'appId'>[] = [...inHand];
  const ofApp = (appId: string) => given.filter((one) => one.appId === appId).length;
  // What is handed out now counts against the bound of its priority and of all before it: those keep their hands from it too.
  const isBounded = (priority: number) =>
    Object.entries(FROM).some(
      ([from, most]) => priority >= Number(from) && given.filter((one) => one.priority >= Number(from)).length >= most,
    );
  const turns = new Map<DueWork, number>();
  for (const priority of [...new Set(due.map((work) => work.priority))].sort((one, other) => one - other)) {
    const works = due.filter((work) => work.priority === priority);
    for (;;) {
      const open = works.filter((work) => (turns.get(work) ?? 0) < work.count && ofApp(work.appId) < OF_ONE_APP);
      const next = open.sort((one, other) => ofApp(one.appId) - ofApp(other.appId))[0];
      if (next === undefined || given.length - inHand.length >= free || isBounded(priority)) break;
      given.push(next);
      turns.set(next, (turns.get(next) ?? 0) + 1);
    }
  }
  return [...turns].map(([work, count]) => ({ ...work, count }));
}
