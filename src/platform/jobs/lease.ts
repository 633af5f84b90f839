import { type Clock, Stopwatch, type Ticks } from '../clock.js';
import type { Job } from './job.entity.js';

/** Names a piece of work. */
export interface JobKey {
  readonly kind: string;
  /** What it is about: our id or the processor's. */
  readonly subject: string;
}

/** The right to send a change to the processor, checked in the moment in which the request goes out. */
export interface Permit {
  /** Whether the request may go out now. After a yes it counts as under way, until `answered` is called. */
  maySend(): boolean;
  /** The request was answered, or was certainly not sent; `isDone` if it changed something. */
  answered(isDone: boolean): void;
}

/** For changes without a lease, made by people and at start-up: they move no money and may be repeated. */
export const WITHOUT_LEASE: Permit = { maySend: () => true, answered: () => undefined };

/** A row of work as it was taken. */
export type TakenJob = Pick<
  Job,
  'appId' | 'id' | 'kind' | 'subject' | 'payload' | 'fence' | 'timesRequested' | 'attempts' | 'sends' | 'sentAt' | 'createdAt'
>;

/** Another worker took the work over while we were slow. What we have must not be written. */
export class LeaseLost extends Error {
  constructor({ kind, subject }: JobKey) {
    super(`The lease on ${kind} ${subject} was lost to another worker.`);
  }
}

/** How long a lease lasts unless renewed, ms in the database's time. Short, so that others soon go on after a crash. */
export const LEASE_MS = 15_000;
/** Nothing is sent so shortly before the end of a lease, ms: a request takes a while until it is out. */
const MARGIN_MS = 1_000;

/**
 * The right to do a piece of work. It is checked by its fence in writes to the database, and by the process's own
 * clocks, without a query, before each call that changes something at the processor.
 */
export class Lease implements JobKey, Permit {
  readonly appId: string;
  readonly jobId: string;
  readonly kind: string;
  readonly subject: string;
  readonly payload: unknown;
  readonly fence: number;
  /** How often the work had been requested when it was taken. */
  readonly timesRequested: number;
  /** How many tries failed before this one. */
  readonly attempts: number;
  /** How many calls that change something may have been sent for it before and were not answered. */
  readonly sends: number;
  /** When the last of them may have been sent at the latest, in the database's time; null if there was none. */
  readonly sentAt: Date | null;
  /** When the work was first requested, in the database's time. */
  readonly createdAt: Date;
  private renewed: Stopwatch;
  private isUnderWay = false;
  private hasEnded = false;
  private hasChanged = false;
  private hasChangedForGood = false;

  /** `taken` was started before the statement that took the work; `now` is the database's time in it. */
  constructor(
    { appId, id, kind, subject, payload, fence, timesRequested, attempts, sends, sentAt, createdAt }: TakenJob,
    private readonly taken: Stopwatch,
    private readonly now: Date,
  ) {
    [this.appId, this.jobId, this.kind, this.subject, this.payload] = [appId, id, kind, subject, payload];
    [this.fence, this.timesRequested, this.attempts, this.sends] = [fence, timesRequested, attempts, sends];
    [this.sentAt, this.createdAt] = [sentAt, createdAt];
    this.renewed = taken;
  }

  /** Whether it certainly lasts long enough to send something. */
  holds(): boolean {
    return !this.hasEnded && this.renewed.atMost() < LEASE_MS - MARGIN_MS;
  }

  maySend(): boolean {
    const may = this.holds();
    if (may) this.isUnderWay = true;
    return may;
  }

  answered(isDone: boolean): void {
    this.isUnderWay = false;
    if (!isDone) return;
    this.hasChanged = true;
    this.hasChangedForGood = true;
  }

  /** A permit for calls that do no harm when carried out late or twice. They leave nothing in doubt. */
  get forHarmless(): Permit {
    return {
      maySend: () => this.holds(),
      answered: (isDone) => {
        if (isDone) this.hasChanged = true;
      },
    };
  }

  /** The answer said nothing: what was sent may still be carried out. */
  doubt(): void {
    this.isUnderWay = true;
  }

  /** It ends now: nothing more is sent under it. What was done and perhaps not written down counts as not answered. */
  end(): void {
    this.hasEnded = true;
    if (!this.hasDoneNothing) this.doubt();
  }

  /** Whether a call that was sent under it was not answered. */
  get isInDoubt(): boolean {
    return this.isUnderWay;
  }

  /** Whether certainly nothing was changed at the processor under it. */
  get hasDoneNothing(): boolean {
    return !this.isUnderWay && !this.hasChanged;
  }

  /** Whether something was changed at the processor under it that must not be done twice. */
  get hasDoneForGood(): boolean {
    return this.isUnderWay || this.hasChangedForGood;
  }

  /** How long ago the work was first requested, ms. */
  ageMs(): number {
    return this.msSince(this.createdAt);
  }

  /** How long ago the last unanswered request may have been sent before the work was taken, ms; null if none. */
  quietForMs(): number | null {
    return this.sentAt === null ? null : this.msSince(this.sentAt);
  }

  /** How long it has been held, ms. */
  heldForMs(): number {
    return this.taken.atLeast();
  }

  /** How long ago it was renewed last, ms. */
  renewedAgoMs(): number {
    return this.renewed.atMost();
  }

  /** It was renewed; `begun` was started before the statement that did it. */
  renew(begun: Stopwatch): void {
    this.renewed = begun;
  }

  private msSince(moment: Date): number {
    return this.now.getTime() - moment.getTime() + this.taken.atLeast();
  }
}

/** Starts the stopwatch of a lease, before the statement that takes or renews it. */
export type StartStopwatch = () => Stopwatch;

/** Makes stopwatches that run by these clocks. */
export function stopwatchStarter(clock: Clock, ticks: Ticks): StartStopwatch {
  return () => new Stopwatch(clock, ticks);
}
