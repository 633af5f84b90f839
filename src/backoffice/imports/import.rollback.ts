import { ForeignKeyConstraintViolationException } from '@mikro-orm/core';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { disownPaymentMethod } from '../../billing/payment-methods/payment-method.adoption.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { CancelMode } from '../../billing/subscriptions/subscription.inputs.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import { AppError, Conflict } from '../../platform/errors.js';
import { WITHOUT_LEASE } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import type { ImportParts } from './import.service.js';
import type { ImportItem } from './import-item.entity.js';
import { ImportItemRepository } from './import-item.repository.js';
import { ImportRunRepository } from './import-run.repository.js';

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
  readonly stays: number;
}

const PAGE = 100;

/** How one noun's rows are let go of: first at Tilled, which is repeatable, then here. */
interface Undoing {
  readonly isChanged: (tx: Scope, item: ImportItem) => Promise<boolean>;
  readonly atTilled: (scope: Scope, item: ImportItem) => Promise<void>;
  readonly here: (tx: Scope, item: ImportItem) => Promise<void>;
}

/** Takes back what a run made, as long as nothing was built on it since. What stays is named with its reason. */
export class ImportRollback {
  constructor(private readonly parts: ImportParts) {}

  /** Throws NotFound for a run that is not this app's. Repeatable: what stayed is tried again. */
  async run(scope: Scope, runId: string, report: (stays: Stays) => void): Promise<RollbackResult> {
    await this.stop(scope, runId);
    const rolledBack: RollbackResult['rolledBack'] = { customers: 0, paymentMethods: 0, subscriptions: 0 };
    let stays = 0;
    for (const noun of IMPORT_NOUNS.toReversed()) {
      for await (const item of madeItems(scope, runId, noun)) {
        const reason = await this.undo(scope, noun, item);
        if (reason === null) rolledBack[noun] += 1;
        else {
          stays += 1;
          report({ noun, itemKey: item.itemKey, objectId: item.objectId ?? '', reason });
        }
      }
    }
    // The same command is another run from now on: it brings what went in again, and finds what stayed.
    await scope.transaction(async (tx) => Object.assign(await ImportRunRepository.of(tx).lock(runId), { state: 'rolled_back' }));
    return { rolledBack, stays };
  }

  /** Nobody imports while it is taken back: a process that still does loses the run. */
  private stop(scope: Scope, runId: string): Promise<void> {
    return scope.transaction(async (tx) => {
      const run = await ImportRunRepository.of(tx).lock(runId, ['run']);
      run.fence += 1;
      run.updatedAt = tx.now();
    });
  }

  private async undo(scope: Scope, noun: ImportNoun, item: ImportItem): Promise<string | null> {
    try {
      const obstacle = await this.obstacleTo(scope, noun, item);
      if (obstacle !== null) return obstacle;
      await this.undoings[noun].atTilled(scope, item);
      await scope.transaction(async (tx) => {
        const late = await this.obstacleTo(tx, noun, item);
        if (late !== null) throw new Conflict(late);
        await this.undoings[noun].here(tx, item);
        await ImportItemRepository.of(tx).note(item.id, 'rolled_back', null);
      });
      return null;
    } catch (error) {
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
      atTilled: async (scope, { action, tilledId }) => {
        // What the run attached is let go of at Tilled; what was attached before stays so.
        if (action === 'created')
          await this.parts.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) => tilled.detachPaymentMethod(tilledId ?? ''));
      },
      here: (tx, { objectId }) => disownPaymentMethod(tx, objectId ?? ''),
    },
    subscriptions: {
      isChanged: async (scope, { objectId, version, action }) =>
        action === 'made' && (await SubscriptionRepository.of(scope).get(objectId ?? '')).version !== version,
      atTilled: async (scope, { action, tilledId, objectId }) => {
        if (action === 'made') await this.parts.subscriptionAdoption.unmark(scope, tilledId ?? '');
        else await this.cancel(scope, objectId ?? '');
      },
      // What the run made at Tilled is canceled there, and its row stays as the record of that.
      here: async (tx, { action, objectId }) => {
        if (action === 'made') await this.parts.subscriptionAdoption.disown(tx, objectId ?? '');
      },
    },
  };

  private async cancel(scope: Scope, id: string): Promise<void> {
    if ((await SubscriptionRepository.of(scope).get(id)).status === 'CANCELED') return;
    const { errors } = await this.parts.subscriptions.cancel(scope, { id, mode: CancelMode.IMMEDIATELY });
    if (errors[0] !== undefined) throw new Conflict(errors[0].message);
  }
}

async function* madeItems(scope: Scope, runId: string, noun: ImportNoun): AsyncGenerator<ImportItem> {
  for (let afterId = ''; ; ) {
    const items = await ImportItemRepository.of(scope).after(runId, noun, afterId, PAGE);
    yield* items.filter(({ action }) => action === 'made' || action === 'created');
    const last = items.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}
