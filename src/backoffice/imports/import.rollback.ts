import { ForeignKeyConstraintViolationException } from '@mikro-orm/core';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { CancelMode } from '../../billing/kit/cancel-mode.js';
import { disownPaymentMethod } from '../../billing/payment-methods/payment-method.adoption.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import { AppError, Conflict } from '../../platform/errors.js';
import { IdempotencyKeyRepository } from '../../platform/idempotency/idempotency-key.repository.js';
import { keyIdOf } from '../../platform/idempotency/request-key.js';
import { WITHOUT_LEASE } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { failureOf } from './import.customers.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { inParallel, isPassing, patiently } from './import.pace.js';
import type { ImportParts } from './import.service.js';
import { importKey, originOf } from './import.subscriptions.js';
import type { ImportItem } from './import-item.entity.js';
import { ImportItemRepository } from './import-item.repository.js';
import { ImportRunRepository, RunTakenOver } from './import-run.repository.js';

/** Why something that a run made stays. */
export interface Stays {
  readonly noun: ImportNoun;
  readonly itemKey: string;
  readonly objectId: string;
  readonly reason: string;
}

/** How a rollback ended. */
export interface RollbackResult {
  readonly rolledBack: Record<ImportNoun, number>;
  /** What something was built on since, or could not be let go of: another rollback tries again. */
  readonly stays: number;
  /** What stays because it could never be had again. */
  readonly kept: number;
}

const PAGE = 100;
const KEPT = 'A payment method that is detached can never be attached again: it stays, with its customer.';

/** How one noun's rows are let go of: first at Tilled, which is repeatable, then here. */
interface Undoing {
  readonly isChanged: (tx: Scope, item: ImportItem) => Promise<boolean>;
  readonly atTilled: (scope: Scope, item: ImportItem) => Promise<void>;
  readonly here: (tx: Scope, item: ImportItem) => Promise<void>;
}

/** Takes back what a run made, as long as nothing was built on it since. What stays is named with its reason. */
export class ImportRollback {
  constructor(private readonly parts: ImportParts) {}

  /**
   * Throws NotFound for a run that is not this app's, and ProcessorUnavailable while Tilled stays out of reach.
   * Repeatable: what stayed is tried again. Nobody imports the same meanwhile.
   */
  async run(scope: Scope, runId: string, report: (stays: Stays) => void): Promise<RollbackResult> {
    const fence = await this.stop(scope, runId);
    const rolledBack: RollbackResult['rolledBack'] = { customers: 0, paymentMethods: 0, subscriptions: 0 };
    const kept = new Set<string>();
    let [stays, keeps] = [0, 0];
    for (const noun of IMPORT_NOUNS.toReversed()) {
      for await (const items of madeItems(scope, runId, noun)) {
        await ImportRunRepository.of(scope).assertHeld(runId, fence);
        const reasons = await inParallel(items, (item) => this.undo(scope, noun, item, kept));
        for (const [index, { itemKey, objectId }] of items.entries()) {
          const reason = reasons[index] ?? null;
          if (reason === null) rolledBack[noun] += 1;
          else report({ noun, itemKey, objectId: objectId ?? '', reason });
          if (reason === KEPT) keeps += 1;
          else if (reason !== null) stays += 1;
        }
      }
    }
    // The same command is another run from now on: it brings what went in again, and finds what stayed.
    await scope.transaction(async (tx) => {
      const run = await ImportRunRepository.of(tx).lock(runId);
      if (run.fence !== fence) throw new RunTakenOver(runId);
      Object.assign(run, { state: 'rolled_back', updatedAt: tx.now() });
    });
    return { rolledBack, stays, kept: keeps };
  }

  /** Nobody imports while it is taken back: a process that still does loses the run. */
  private stop(scope: Scope, runId: string): Promise<number> {
    return scope.transaction(async (tx) => {
      const run = await ImportRunRepository.of(tx).lock(runId, ['run']);
      Object.assign(run, { state: 'rolling_back', fence: run.fence + 1, updatedAt: tx.now() });
      return run.fence;
    });
  }

  private async undo(scope: Scope, noun: ImportNoun, item: ImportItem, kept: Set<string>): Promise<string | null> {
    if (noun === 'paymentMethods' && item.action === 'created') {
      kept.add((await PaymentMethodRepository.of(scope).get(item.objectId ?? '')).customerId);
      return KEPT;
    }
    if (kept.has(item.objectId ?? '')) return KEPT;
    try {
      const obstacle = await this.obstacleTo(scope, noun, item);
      if (obstacle !== null) return obstacle;
      await patiently(() => this.undoings[noun].atTilled(scope, item));
      await patiently(() =>
        scope.transaction(async (tx) => {
          const late = await this.obstacleTo(tx, noun, item);
          if (late !== null) throw new Conflict(late);
          await this.undoings[noun].here(tx, item);
          await ImportItemRepository.of(tx).note(item.id, 'rolled_back', null);
        }),
      );
      return null;
    } catch (error) {
      if (isPassing(error)) throw error;
      if (error instanceof ForeignKeyConstraintViolationException) return 'Something else refers to it.';
      if (error instanceof AppError) return error.message;
      throw error;
    }
  }

  private async obstacleTo(scope: Scope, noun: ImportNoun, item: ImportItem): Promise<string | null> {
    const built = await ImportItemRepository.of(scope).builtOn(noun, item.objectId ?? '');
    if (built !== null) return `Since then ${built} was built on it.`;
    return (await this.undoings[noun].isChanged(scope, item)) ? 'It was changed since.' : null;
  }

  private readonly undoings: Readonly<Record<ImportNoun, Undoing>> = {
    customers: {
      isChanged: async (scope, { objectId, version }) => (await CustomerRepository.of(scope).get(objectId ?? '')).version !== version,
      atTilled: async (scope, { action, tilledId }) => {
        if (tilledId === null) throw new Conflict('Tilled has not confirmed it yet: try again later.');
        if (action === 'made') await this.parts.customerAdoption.unmark(scope, tilledId);
        else await this.parts.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) => tilled.deleteCustomer(tilledId));
      },
      here: (tx, { objectId }) => this.parts.customerAdoption.disown(tx, objectId ?? ''),
    },
    paymentMethods: {
      isChanged: async (scope, { objectId }) => (await PaymentMethodRepository.of(scope).get(objectId ?? '')).detachedAt !== null,
      // What the run attached is kept; what was attached before stays so.
      atTilled: async () => undefined,
      here: (tx, { objectId }) => disownPaymentMethod(tx, objectId ?? ''),
    },
    subscriptions: {
      isChanged: async (scope, { objectId, version, action }) =>
        action === 'made' && (await SubscriptionRepository.of(scope).get(objectId ?? '')).version !== version,
      atTilled: async (scope, { action, objectId }) => {
        const { tilledSubscriptionId, status } = await SubscriptionRepository.of(scope).get(objectId ?? '');
        if (tilledSubscriptionId === null) throw new Conflict('Tilled has not confirmed it yet: try again later.');
        if (action === 'created' && status === 'CANCELED') return;
        // What is canceled takes no change any more.
        await this.parts.subscriptionAdoption.unmark(scope, tilledSubscriptionId);
        if (action === 'created') await this.cancel(scope, objectId ?? '');
      },
      here: async (tx, { action, objectId }) => {
        if (action === 'created') await this.forgetKey(tx, objectId ?? '');
        await this.parts.subscriptionAdoption.disown(tx, objectId ?? '');
      },
    },
  };

  private async cancel(scope: Scope, id: string): Promise<void> {
    const { errors } = await this.parts.subscriptions.cancel(scope, { id, mode: CancelMode.IMMEDIATELY });
    if (errors.length > 0) throw failureOf(errors);
  }

  /** What is made again is a subscription of its own: the key of the first one must not answer for it. */
  private async forgetKey(tx: Scope, id: string): Promise<void> {
    const subscription = await SubscriptionRepository.of(tx).lock(id);
    if (subscription.status !== 'CANCELED') throw new Conflict('Tilled has not confirmed yet that it is canceled: try again later.');
    const keyId = keyIdOf(tx.caller, 'subscriptionCreate', { idempotencyKey: importKey(originOf(subscription.metadata)) });
    if (keyId !== null) await IdempotencyKeyRepository.of(tx).forget(keyId);
  }
}

/** What a run made of a noun, some at a time. */
async function* madeItems(scope: Scope, runId: string, noun: ImportNoun): AsyncGenerator<ImportItem[]> {
  for (let afterId = ''; ; ) {
    const items = await ImportItemRepository.of(scope).after(runId, noun, afterId, PAGE);
    yield items.filter(({ action }) => action === 'made' || action === 'created');
    const last = items.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}
