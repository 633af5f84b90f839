import { setTimeout as sleep } from 'node:timers/promises';
import type { Customer } from '../../billing/customers/customer.entity.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import type { CustomerService } from '../../billing/customers/customer.service.js';
import { DivergenceKind, DivergenceStatus } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository } from '../../billing/kit/divergence.repository.js';
import type { Processor } from '../../billing/kit/processor.js';
import { CursorRepository } from '../../platform/cursors.js';
import { NotConfirmedYet } from '../../platform/errors.js';
import { WITHOUT_LEASE } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { Reconciler } from './reconciler.js';

/** The result of a canary. */
export interface CanaryReport {
  readonly appId: string;
  readonly customerId: string;
  readonly isFound: boolean;
  readonly isHealed: boolean;
}

interface CanaryParts {
  readonly processor: Processor;
  readonly customers: CustomerService;
  readonly reconciler: Reconciler;
  /** Does the work that is due, as any worker; what heals is work. */
  readonly work: () => Promise<unknown>;
  /** How long to wait after the first look, ms; after each further one that much longer. */
  readonly pauseMs: number;
}

/** Where the newest result is kept: `passed` or `failed`, with the time it was written. */
const CURSOR = 'reconcile.canary';
const EXTERNAL_ID = 'billing-canary';
const EMAIL = 'canary@billing.invalid';
const NAME = 'Reconciliation Canary';
const TRIES_MAX = 10;
const { HEALED } = DivergenceStatus;
const SEEN = Object.values(DivergenceStatus);

/**
 * Plants a difference and has it found and healed in the usual way. A customer of its own per app, marked as what it
 * is, is renamed at Tilled behind our back; it has no way to pay, so no money can move. What finds it is what finds
 * everything else: a page of Tilled's list, the comparison of customers, and the queue.
 */
export class Canary {
  constructor(private readonly parts: CanaryParts) {}

  /** Runs it for an app, and remembers the result. */
  async run(scope: Scope): Promise<CanaryReport> {
    const customer = await this.customerOf(scope);
    const tilledId = customer.tilledCustomerId;
    if (tilledId === null) throw new NotConfirmedYet('canary customer');
    const since = scope.now();
    await this.parts.processor.send(scope, WITHOUT_LEASE, (tilled) =>
      tilled.updateCustomer(tilledId, { first_name: 'Drifted', last_name: scope.newId('evt') }),
    );
    // Whoever finds it: a worker, or another canary, may have it healed before we look.
    const isFound = await this.until(scope, { customer, since, statuses: SEEN }, () => this.findInLists(scope, tilledId));
    const isHealed = isFound && (await this.until(scope, { customer, since, statuses: [HEALED] }, () => this.heal(scope, customer)));
    const report = { appId: scope.appId, customerId: customer.id, isFound, isHealed };
    const result = report.isFound && report.isHealed ? 'passed' : 'failed';
    await scope.transaction((tx) => CursorRepository.of(tx).moveTo(CURSOR, result));
    scope.request.log[result === 'passed' ? 'info' : 'error'](`reconciliation canary ${result}`, { ...report });
    return report;
  }

  private async customerOf(scope: Scope): Promise<Customer> {
    const known = await CustomerRepository.of(scope).findByExternalId(EXTERNAL_ID);
    if (known !== null) return known;
    const { row } = await this.parts.customers.create(scope, { externalId: EXTERNAL_ID, email: EMAIL, name: NAME });
    if (row === null) throw new NotConfirmedYet('canary customer');
    return row;
  }

  /** Finds the customer in Tilled's lists, as a run does, but compares no other, which may be changing. */
  private async findInLists(scope: Scope, tilledId: string): Promise<void> {
    for (let position: string | null = ''; position !== null; ) {
      const page = { kind: DivergenceKind.CUSTOMER, position, only: tilledId };
      const { looked, next } = await this.parts.reconciler.comparePage(scope, page, { graceMs: 0 });
      position = looked > 0 ? null : next;
    }
  }

  private async heal(scope: Scope, customer: Customer): Promise<void> {
    const ref = { kind: DivergenceKind.CUSTOMER, objectId: customer.id, tilledId: null };
    await this.parts.reconciler.examine(scope, ref, { graceMs: 0, isFollowedUp: false });
  }

  /** Repeats `examine` until the customer's newest divergence is as expected; false if it never is. */
  private async until(
    scope: Scope,
    expected: { readonly customer: Customer; readonly since: Date; readonly statuses: readonly DivergenceStatus[] },
    examine: () => Promise<void>,
  ): Promise<boolean> {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      // What was set off by the last step, and what heals, is work: here it is done if no worker is quicker.
      await this.parts.work();
      await examine();
      const seen = await scope.transaction((tx) => DivergenceRepository.of(tx).ofObject(expected.customer.id));
      const newest = seen.at(-1);
      if (newest !== undefined && newest.seenAt >= expected.since && expected.statuses.includes(newest.status)) return true;
      await sleep(this.parts.pauseMs * tries);
    }
    return false;
  }
}
