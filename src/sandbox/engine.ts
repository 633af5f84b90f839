import type { TilledEvent, TilledEventType } from '../tilled/tilled.shapes.js';
import { usualBehaviour } from './behaviour.js';
import { VirtualClock } from './clock.js';
import { DueQueue } from './due-queue.js';
import { Ids } from './ids.js';
import { hashKeptKeys } from './keys.js';
import type { TimerKind, TimerRecord } from './records.js';
import { sortedJson } from './sorted-json.js';
import { Store } from './store.js';
import type { WebhookOptions } from './webhooks.js';
import { Webhooks } from './webhooks.js';

/** What happens when a timer of each kind is due. */
export type TimerHandlers = Record<TimerKind, (engine: Engine, objectId: string) => void>;

/** What an engine is made of. */
export interface EngineOptions {
  stateFile: string | undefined;
  seed: number | undefined;
  frozenAt: Date | undefined;
  webhooks: WebhookOptions;
  timerHandlers: TimerHandlers;
}

/** At the same moment an end comes before a charge, and a charge before a delivery. */
const RANKS: Partial<Record<TimerKind, number>> = { 'subscription.cancel': 0, 'subscription.pause': 1, 'subscription.resume': 2 };
const RANK_OTHERWISE = 5;
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The inside of the sandbox, without HTTP: state, time, ids, events. Everything happens in transaction(). */
export class Engine {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly ids: Ids;
  readonly webhooks: Webhooks;
  /** Where the sandbox is reached; known once it listens. */
  baseUrl = '';
  /** The keys that this process made or was told, by their hash; nowhere else are they in clear. */
  readonly keysMade = new Map<string, string>();
  /** What it does where Tilled's documents say nothing. */
  behaviour = usualBehaviour();
  /** How many milliseconds of its time pass before a new object is in lists. */
  listLagMs = 0;
  private readonly timers: DueQueue<TimerRecord>;
  private readonly timerHandlers: TimerHandlers;
  private advances: Promise<void> = Promise.resolve();
  private alarm: NodeJS.Timeout | undefined;
  private alarmAtMs = Number.POSITIVE_INFINITY;

  constructor(options: EngineOptions) {
    this.clock = new VirtualClock(options.frozenAt);
    this.ids = new Ids(options.seed);
    this.store = new Store(options.stateFile);
    this.timers = new DueQueue(this.store.timers);
    this.timerHandlers = options.timerHandlers;
    this.webhooks = new Webhooks(this, options.webhooks);
    this.resume(this.store.load());
    if (this.transaction(() => hashKeptKeys(this.store))) this.store.compact();
  }

  /** Does the work and makes it durable; undone if it throws. The work must not wait for anything. */
  transaction<T>(work: () => T): T {
    try {
      const result = work();
      this.store.commit(() => this.facts());
      return result;
    } catch (error) {
      this.store.rollback();
      throw error;
    }
  }

  /** Records an event and a delivery of it to every endpoint that wants it. Within a transaction. */
  emit(type: TilledEventType, accountId: string, data: { id: string }): void {
    const createdAt = this.clock.iso();
    const event: TilledEvent = {
      id: this.ids.object('evt'),
      account_id: accountId,
      created_at: createdAt,
      updated_at: createdAt,
      type,
      data,
    };
    const body = sortedJson(event);
    this.store.events.put({ id: event.id, account_id: accountId, type, created_at: createdAt, object_id: data.id, body });
    this.webhooks.enqueue(event);
  }

  /** Sets the one timer of this kind on an object, replacing a former one. Within a transaction. */
  schedule(kind: TimerKind, object: { id: string; account_id: string }, dueMs: number): void {
    const rank = RANKS[kind] ?? RANK_OTHERWISE;
    this.store.timers.put({ id: `${kind}:${object.id}`, account_id: object.account_id, due_ms: dueMs, rank, kind, object_id: object.id });
  }

  /** Removes the timer of this kind from an object, if there is one. Within a transaction. */
  unschedule(kind: TimerKind, objectId: string): void {
    this.store.timers.delete(`${kind}:${objectId}`);
  }

  /** Does everything that is due now, except deliveries. */
  runDueTimers(): void {
    for (let timer = this.timers.take(this.clock.now()); timer !== undefined; timer = this.timers.take(this.clock.now())) {
      this.runTimer(timer);
    }
    this.setAlarm();
  }

  /** Moves time forward and does on the way all that becomes due, in order, deliveries included. */
  advanceTo(targetMs: number): Promise<void> {
    const advance = this.advances.then(() => this.webhooks.exclusively(() => this.walkTo(targetMs)));
    this.advances = advance.catch(() => undefined);
    return advance;
  }

  /** Waits until everything due by now was done, and every delivery due was attempted. */
  async drain(): Promise<void> {
    await this.advances;
    await this.webhooks.drain();
  }

  /** Forgets everything but the time. */
  reset(): void {
    this.store.clear();
    this.ids.resume({ objects: 0, requests: 0 });
    this.webhooks.reset();
    this.keysMade.clear();
    this.listLagMs = 0;
    this.behaviour = usualBehaviour();
    this.store.saveFacts(this.facts());
  }

  /** Stops timers and deliveries and closes the state file. */
  async close(): Promise<void> {
    clearTimeout(this.alarm);
    await this.webhooks.close();
    this.store.close();
  }

  /** Wakes this engine when the next timer or delivery is due, unless time stands still. */
  setAlarm(): void {
    if (this.clock.isFrozen) return;
    const nextMs = Math.min(this.timers.peek()?.due_ms ?? Number.POSITIVE_INFINITY, this.webhooks.nextDueMs());
    if (nextMs >= this.alarmAtMs) return;
    clearTimeout(this.alarm);
    this.alarmAtMs = nextMs;
    const delayMs = Math.min(Math.max(nextMs - this.clock.now(), 0), TIMEOUT_MS_MAX);
    this.alarm = setTimeout(() => {
      this.alarmAtMs = Number.POSITIVE_INFINITY;
      this.runDueTimers();
      this.webhooks.pump();
    }, delayMs);
    this.alarm.unref();
  }

  private async walkTo(targetMs: number): Promise<void> {
    for (;;) {
      const timer = this.timers.peek();
      const timerMs = timer?.due_ms ?? Number.POSITIVE_INFINITY;
      const deliveryMs = this.webhooks.nextDueMs();
      const nextMs = Math.min(timerMs, deliveryMs);
      if (nextMs > targetMs) break;
      this.clock.moveTo(nextMs);
      if (timer !== undefined && timerMs === nextMs) this.runTimer(timer);
      else await this.webhooks.attemptNext();
    }
    this.clock.moveTo(targetMs);
    this.store.saveFacts(this.facts());
    this.alarmAtMs = Number.POSITIVE_INFINITY;
    this.setAlarm();
  }

  private runTimer(timer: TimerRecord): void {
    this.transaction(() => {
      this.store.timers.delete(timer.id);
      this.timerHandlers[timer.kind](this, timer.object_id);
    });
  }

  private facts(): Record<string, unknown> {
    return { ids: this.ids.position(), clock: this.clock.position() };
  }

  private resume(facts: Map<string, string>): void {
    const ids = facts.get('ids');
    const clock = facts.get('clock');
    if (ids !== undefined) this.ids.resume(JSON.parse(ids));
    if (clock !== undefined) this.clock.resume(JSON.parse(clock));
  }
}
