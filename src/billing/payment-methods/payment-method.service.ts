import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import { IllegalTransition, NotConfirmedYet, NotFound, ProcessorRejected } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentMethod } from '../../tilled/tilled.shapes.js';
import type { Customer } from '../customers/customer.entity.js';
import { CustomerMissing } from '../customers/customer.errors.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { changeOnce } from '../kit/change-once.js';
import type { Processor } from '../kit/processor.js';
import { type PaymentMethod, PaymentMethodType } from './payment-method.entity.js';
import { PaymentMethodInUse } from './payment-method.errors.js';
import type { PaymentMethodAttachInput, PaymentMethodDetachInput, PaymentMethodSetDefaultInput } from './payment-method.inputs.js';
import { PaymentMethodRepository } from './payment-method.repository.js';

/** What nouns above payment methods know about one. */
export interface PaymentMethodDependents {
  /** Whether something will still be collected with the method, or is being changed so that it will. */
  isUsed(scope: Scope, method: PaymentMethod): Promise<boolean>;
}

interface PaymentMethodServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What the intent of an attachment left for its execution. */
export interface AttachPayload {
  readonly customerId: string;
  readonly setAsDefault: boolean;
}

const DETACH = 'paymentMethodDetach';

/** Payment methods: attached at Tilled, mirrored here; which one is the default is ours to say. */
export class PaymentMethodService {
  constructor(
    private readonly parts: PaymentMethodServiceParts,
    private readonly dependents: PaymentMethodDependents,
  ) {}

  readonly attachment: IdempotentMutation<PaymentMethod> = {
    operation: 'paymentMethodAttach',
    sells: false,
    execute: (scope, execution) => this.sendAttach(scope, execution),
    withdraw: async () => undefined,
    load: (scope, tilledId) => PaymentMethodRepository.of(scope).findByTilledId(tilledId),
  };

  readonly detachment: IdempotentMutation<PaymentMethod> = {
    ...{ operation: DETACH, sells: false },
    execute: (scope, execution) => this.sendDetach(scope, execution, execution.subject),
    withdraw: unmark,
    refuse: unmark,
    load: (scope, id) => PaymentMethodRepository.of(scope).find(id),
  };

  async attach(scope: Scope, input: PaymentMethodAttachInput): Promise<Outcome<PaymentMethod>> {
    const outcome = await this.parts.intents.run(scope, this.attachment, {
      input,
      intend: async (tx) => {
        const customer = await CustomerRepository.of(tx).lock(input.customerId, ['customerId']);
        if (customer.deletedAt !== null) throw new NotFound('customer', input.customerId, ['customerId']);
        assertStays(customer);
        if (customer.missingSince !== null) throw new CustomerMissing(customer.id, ['customerId']);
        if (customer.tilledCustomerId === null) throw new NotConfirmedYet('customer');
        const known = await PaymentMethodRepository.of(tx).findByTilledId(input.tilledPaymentMethodId);
        if (known?.detachedAt) throw new IllegalTransition('payment method', 'detached', 'attached again; collect it anew');
        if (known?.detachingAt) throw new AlreadyRunning(DETACH, known.id);
        const payload: AttachPayload = { customerId: customer.id, setAsDefault: input.setAsDefault ?? false };
        return { subject: input.tilledPaymentMethodId, payload };
      },
    });
    // Tilled refuses a card of another customer; it is not this request's to show either.
    return outcome.row?.customerId === input.customerId ? outcome : { ...outcome, row: null };
  }

  async setDefault(scope: Scope, input: PaymentMethodSetDefaultInput): Promise<Outcome<PaymentMethod>> {
    await scope.transaction(async (tx) => {
      await this.makeDefault(tx, await lockAttached(tx, input.id, 'made the default'));
    });
    return { row: await PaymentMethodRepository.of(scope).find(input.id), errors: [], replayed: false };
  }

  detach(scope: Scope, input: PaymentMethodDetachInput): Promise<Outcome<PaymentMethod>> {
    return this.parts.intents.run(scope, this.detachment, {
      input,
      intend: async (tx) => {
        const method = await lockAttached(tx, input.id, 'detached again');
        if (await this.dependents.isUsed(tx, method)) throw new PaymentMethodInUse(method.id);
        method.detachingAt = this.parts.clock.now();
        return { subject: method.id };
      },
    });
  }

  /** Detaches every method of the customer an execution is about, at Tilled too; repeatable. */
  async detachAll(scope: Scope, execution: Execution): Promise<void> {
    for (const method of await PaymentMethodRepository.of(scope).attachedTo(execution.subject))
      await this.sendDetach(scope, execution, method.id);
  }

  /** Records what Tilled says of a method: new ones of our customers too, whoever attached them. */
  async mirror(
    tx: Scope,
    snapshot: TilledPaymentMethod,
    wish: { readonly setAsDefault: boolean } = { setAsDefault: false },
  ): Promise<void> {
    const repository = PaymentMethodRepository.of(tx);
    const known = await repository.findByTilledId(snapshot.id);
    const customerId = known?.customerId ?? (await this.customerOf(tx, snapshot));
    if (customerId === null) return;
    const { deletedAt } = await CustomerRepository.of(tx).lock(customerId);
    // Of somebody forgotten nothing is written down again, whatever events are still on their way.
    if (known === null && deletedAt !== null) return;
    // Under the customer's lock only: the webhook and the answer of one attachment may be recorded at the same time.
    const method = (await repository.lockByTilledId(snapshot.id)) ?? this.newMethod(tx, customerId, snapshot);
    if (deletedAt === null && assignChanged(method, maskedFacts(snapshot))) method.updatedAt = this.parts.clock.now();
    await tx.db.flush();
    const isDetached = snapshot.customer_id === null;
    if (isDetached && method.detachedAt === null) await this.markDetached(tx, method);
    // What was read before we detached it is shown as attached.
    const stays = !isDetached && method.detachedAt === null;
    if (stays && (wish.setAsDefault || (await repository.defaultOf(customerId)) === null)) await this.makeDefault(tx, method);
    const facts = { customerId, paymentMethodId: method.id, tilledPaymentMethodId: snapshot.id, isDetached };
    tx.request.log.info('payment method mirrored', facts);
  }

  private async customerOf(tx: Scope, snapshot: TilledPaymentMethod): Promise<string | null> {
    if (snapshot.customer_id === null) return null;
    return (await CustomerRepository.of(tx).findByTilledId(snapshot.customer_id))?.id ?? null;
  }

  private async sendAttach(scope: Scope, execution: Execution): Promise<void> {
    const { customerId, setAsDefault } = execution.payload as AttachPayload;
    const { tilledCustomerId } = await CustomerRepository.of(scope).get(customerId);
    if (tilledCustomerId === null) throw new NotConfirmedYet('customer');
    const tilledId = execution.subject;
    let seen: TilledPaymentMethod | null | undefined;
    const snapshot = await changeOnce<TilledPaymentMethod>(execution, {
      send: () => this.parts.processor.send(scope, execution.lease, (tilled) => tilled.attachPaymentMethod(tilledId, tilledCustomerId)),
      read: async () => {
        seen = await this.parts.processor.find(scope, (tilled) => tilled.getPaymentMethod(tilledId));
        return seen;
      },
      isDone: (method) => method?.customer_id === tilledCustomerId,
      resend: 'atOnce',
    }).catch((error: unknown) => {
      if (!(error instanceof ProcessorRejected)) throw error;
      const field = ['tilledPaymentMethodId'];
      // One of another customer is not shown either.
      const isNone = seen === null || (seen !== undefined && seen.customer_id !== null);
      throw isNone ? new NotFound('payment method', tilledId, field) : new ProcessorRejected(error.reason, { cause: error, field });
    });
    if (snapshot !== null) await scope.transaction((tx) => this.mirror(tx, snapshot, { setAsDefault }));
  }

  private async sendDetach(scope: Scope, execution: Execution, id: string): Promise<void> {
    const { tilledPaymentMethodId: tilledId } = await PaymentMethodRepository.of(scope).get(id);
    const snapshot = await changeOnce<TilledPaymentMethod | null>(execution, {
      send: () => this.parts.processor.sendIfThere(scope, execution.lease, (tilled) => tilled.detachPaymentMethod(tilledId)),
      read: () => this.parts.processor.find(scope, (tilled) => tilled.getPaymentMethod(tilledId)),
      isDone: (method) => method === null || method.customer_id === null,
      resend: 'atOnce',
    });
    await scope.transaction(async (tx) => {
      if (snapshot !== null) await this.mirror(tx, snapshot);
      const { customerId } = await PaymentMethodRepository.of(tx).get(id);
      await CustomerRepository.of(tx).lock(customerId);
      const method = await PaymentMethodRepository.of(tx).lock(id);
      if (method.detachedAt === null) await this.markDetached(tx, method);
    });
  }

  /** The customer's row is locked by the caller: at most one change of default at a time. */
  private async makeDefault(tx: Scope, method: PaymentMethod): Promise<void> {
    const current = await PaymentMethodRepository.of(tx).defaultOf(method.customerId);
    if (current?.id === method.id) return;
    if (current !== null) {
      (await PaymentMethodRepository.of(tx).lock(current.id)).defaultOf = null;
      await tx.db.flush();
    }
    method.defaultOf = method.customerId;
  }

  /** Detaches a locked method in our books alone. The customer's row is locked by the caller. */
  async markDetached(tx: Scope, method: PaymentMethod): Promise<void> {
    const wasDefault = method.defaultOf !== null;
    Object.assign(method, { detachedAt: this.parts.clock.now(), detachingAt: null, defaultOf: null });
    await tx.db.flush();
    if (wasDefault) await PaymentMethodRepository.of(tx).handOnDefault(method);
  }

  private newMethod(tx: Scope, customerId: string, snapshot: TilledPaymentMethod): PaymentMethod {
    const now = this.parts.clock.now();
    return PaymentMethodRepository.of(tx).add({
      id: this.parts.ids.make('pm'),
      customerId,
      tilledPaymentMethodId: snapshot.id,
      ...maskedFacts(snapshot),
      defaultOf: null,
      createdAt: now,
      updatedAt: now,
      detachingAt: null,
      detachedAt: null,
    });
  }
}

/** A method to build on, locked after its customer. Throws AppError; `verb` is what is asked for. */
async function lockAttached(tx: Scope, id: string, verb: string): Promise<PaymentMethod> {
  const methods = PaymentMethodRepository.of(tx);
  const { customerId } = await methods.get(id);
  const customer = await CustomerRepository.of(tx).lock(customerId);
  const method = await methods.lock(id);
  if (method.detachedAt !== null) throw new IllegalTransition('payment method', 'detached', verb);
  assertStays(customer);
  if (method.detachingAt !== null) throw new AlreadyRunning(DETACH, id);
  return method;
}

function assertStays({ id, deletingAt }: Customer): void {
  if (deletingAt !== null) throw new AlreadyRunning('customerDelete', id);
}

/** It is not detached after all. */
async function unmark(tx: Scope, { subject }: Execution): Promise<void> {
  (await PaymentMethodRepository.of(tx).lock(subject)).detachingAt = null;
}

/** What may be kept of a card or account: brand, expiry and last digits, as Tilled masks them. */
function maskedFacts(snapshot: TilledPaymentMethod) {
  const card = snapshot.card ?? snapshot.card_present;
  const bank = snapshot.ach_debit ?? snapshot.eft_debit;
  return {
    type: PaymentMethodType[snapshot.type.toUpperCase() as keyof typeof PaymentMethodType],
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    expMonth: card?.exp_month ?? null,
    expYear: card?.exp_year ?? null,
    bankName: bank?.bank_name ?? null,
    bankLast: bank?.last2 ?? null,
  };
}
