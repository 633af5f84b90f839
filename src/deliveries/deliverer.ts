import type { Jobs } from '../platform/jobs/jobs.js';
import type { Lease } from '../platform/jobs/lease.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { DeliveryMetrics } from './delivery.metrics.js';
import { type RoundRecord, recordOf, writeRecord } from './delivery.recorder.js';
import { type WaitingDelivery, WebhookDeliveryRepository } from './delivery.repository.js';
import { Round, type RoundResult } from './delivery.round.js';
import type { DisabledReason, WebhookEndpoint } from './endpoint.entity.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';
import { DISABLED_AFTER_MS, pauseMsOf } from './retry.plan.js';
import type { Sender } from './sender.js';

/** Tells one endpoint, its subject, what waits for it: who holds it is alone with the endpoint's deliveries. */
export const DELIVER = 'events.deliver';

interface DelivererParts {
  readonly jobs: Jobs;
  readonly sender: Sender;
  readonly metrics: DeliveryMetrics;
}

/** How many deliveries a round takes. */
const AT_A_TIME = 200;
/** After so long no delivery of a round is begun any more, ms: what arrived is to be written down. */
const ROUND_MS_MAX = 5_000;
/** After so long under one lease no round is begun any more, ms: others get their turn, however slow this one is. */
const TURN_MS_MAX = 5_000;
const GIVEN_UP_AT_ONCE = 500;

type Current = NonNullable<Awaited<ReturnType<WebhookEndpointRepository['now']>>>;

/** What a round is made of: deliveries to send, and such whose lane is blocked by one that is due later. */
interface Taken {
  readonly open: readonly WaitingDelivery[];
  readonly blocked: readonly WaitingDelivery[];
}

interface RoundToMake {
  readonly current: Current;
  readonly taken: Taken;
  readonly isEnding: () => boolean;
}

/**
 * Delivers what waits for an endpoint, in rounds: it takes deliveries, sends them, and writes down what became of them
 * in a transaction that confirms the lease. Who loses the lease in between has told the receiver something that is told
 * again; nothing is lost.
 */
export class Deliverer {
  constructor(private readonly parts: DelivererParts) {}

  /** The handler of DELIVER. */
  async deliver(scope: Scope, lease: Lease, isEnding: () => boolean): Promise<void> {
    scope.request.workOn(lease.subject);
    const turnEndsAt = performance.now() + TURN_MS_MAX;
    while (performance.now() < turnEndsAt && !isEnding()) {
      const current = await WebhookEndpointRepository.of(scope).now(lease.subject);
      if (current === null || current.endpoint.deletedAt !== null) return this.giveUp(scope, lease);
      // What waits, waits on until it is enabled again.
      if (!current.endpoint.isEnabled) return scope.statements((tx) => this.parts.jobs.complete(tx, lease));
      if (current.pausedForMs > 0) return this.later(scope, lease, current.pausedForMs);
      const taken = await this.take(scope, lease.subject);
      if (taken.open.length + taken.blocked.length === 0) return this.rest(scope, lease);
      if (await this.round(scope, lease, { current, taken, isEnding })) return;
    }
    return this.later(scope, lease, 0);
  }

  private async take(scope: Scope, endpointId: string): Promise<Taken> {
    const deliveries = WebhookDeliveryRepository.of(scope);
    const due = await deliveries.due(endpointId, AT_A_TIME);
    const fresh = await deliveries.fresh(endpointId, AT_A_TIME - due.length);
    const blockedLanes = await deliveries.blockedAmong(endpointId, [...new Set(fresh.map(({ lane }) => lane))]);
    const isBlocked = ({ lane }: WaitingDelivery) => blockedLanes.has(lane);
    return { open: [...due, ...fresh.filter((delivery) => !isBlocked(delivery))], blocked: fresh.filter(isBlocked) };
  }

  /** True if that was the last under this lease. */
  private async round(scope: Scope, lease: Lease, { current, taken, isEnding }: RoundToMake): Promise<boolean> {
    const { endpoint, failingForMs } = current;
    const startedAt = performance.now();
    const round = new Round({
      send: this.parts.sender.to(endpoint, scope),
      mayGoOn: () => lease.holds() && !isEnding() && performance.now() - startedAt < ROUND_MS_MAX,
      now: () => scope.now(),
      failures: endpoint.failures,
      wasPaused: endpoint.pausedUntil !== null,
    });
    const result = await round.run(taken.open);
    const record = recordOf(result, taken.blocked);
    const reason = disabledBy(result, failingForMs);
    if (reason !== null) await this.disable(scope, lease, { endpoint, record, reason });
    const pauseMs = pauseMsOf({ failures: result.failures, failingForMs }, result.retryAfterMs);
    if (reason === null) await this.record(scope, lease, { endpoint, record, result, pauseMs });
    this.count(record);
    return reason !== null || pauseMs > 0;
  }

  private async record(
    scope: Scope,
    lease: Lease,
    {
      endpoint,
      record,
      result,
      pauseMs,
    }: { readonly endpoint: WebhookEndpoint; readonly record: RoundRecord; readonly result: RoundResult; readonly pauseMs: number },
  ): Promise<void> {
    const { failures, hasDelivered: hasRecovered } = result;
    await scope.statements(async (tx) => {
      await this.parts.jobs.confirm(tx, lease);
      await writeRecord(tx, endpoint.id, record);
      const endpoints = WebhookEndpointRepository.of(tx);
      if (failures > 0) await endpoints.markFailing(endpoint, { failures, hasRecovered, pauseMs });
      else if (endpoint.failures > 0) await endpoints.markWell(endpoint.id);
      if (pauseMs > 0) await this.parts.jobs.goOnLater(tx, lease, pauseMs);
    });
  }

  private async disable(
    scope: Scope,
    lease: Lease,
    { endpoint, record, reason }: { readonly endpoint: WebhookEndpoint; readonly record: RoundRecord; readonly reason: DisabledReason },
  ): Promise<void> {
    const isDisabled = await scope.transaction(async (tx) => {
      await this.parts.jobs.confirm(tx, lease);
      await writeRecord(tx, endpoint.id, record);
      const row = await WebhookEndpointRepository.of(tx).lock(endpoint.id);
      // Unless the app was faster: what it changed meanwhile, the address perhaps, was not tried.
      const isAsItWas = row.isEnabled && row.version === endpoint.version;
      if (isAsItWas) Object.assign(row, { isEnabled: false, disabledReason: reason, updatedAt: tx.now() });
      await this.parts.jobs.complete(tx, lease);
      return isAsItWas;
    });
    if (!isDisabled) return;
    this.parts.metrics.disabled.inc({ reason });
    scope.request.log.error('webhook endpoint disabled', { endpointId: endpoint.id, reason });
  }

  /** Nothing is to be done before the next one that failed is due. */
  private async rest(scope: Scope, lease: Lease): Promise<void> {
    await scope.statements(async (tx) => {
      const dueInMs = await WebhookDeliveryRepository.of(tx).nextDueInMs(lease.subject);
      await (dueInMs === null ? this.parts.jobs.complete(tx, lease) : this.parts.jobs.goOnLater(tx, lease, dueInMs));
    });
  }

  private later(scope: Scope, lease: Lease, dueInMs: number): Promise<void> {
    return scope.statements((tx) => this.parts.jobs.goOnLater(tx, lease, dueInMs));
  }

  /** The endpoint is gone, and so is whom it was to be told. */
  private async giveUp(scope: Scope, lease: Lease): Promise<void> {
    for (let given = GIVEN_UP_AT_ONCE; given === GIVEN_UP_AT_ONCE; )
      given = await scope.statements(async (tx) => {
        await this.parts.jobs.confirm(tx, lease);
        return WebhookDeliveryRepository.of(tx).giveUp(lease.subject, 'the endpoint was deleted', GIVEN_UP_AT_ONCE);
      });
    await scope.statements((tx) => this.parts.jobs.complete(tx, lease));
  }

  private count({ ends }: RoundRecord): void {
    for (const { status, logs } of ends) this.parts.metrics.attempts.inc({ outcome: status }, logs.size);
  }
}

/** Why an endpoint is to be disabled; null if it is not. */
function disabledBy({ isGone, failures, hasDelivered }: RoundResult, failingForMs: number): DisabledReason | null {
  if (isGone) return 'gone';
  return failures > 0 && !hasDelivered && failingForMs > DISABLED_AFTER_MS ? 'failed_for_five_days' : null;
}
