import type { Customer } from '../../billing/customers/customer.entity.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import type { Processor } from '../../billing/kit/processor.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import type { PaymentMethodService } from '../../billing/payment-methods/payment-method.service.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentMethod } from '../../tilled/tilled.shapes.js';
import { type Adopter, type ImportContext, type Imported, type LineDecision, refused } from './import.adopter.js';
import { failureOf } from './import.customers.js';
import type { ImportRow } from './import.rows.js';

type Row = ImportRow<'paymentMethods'>;

/** Payment methods: attached ones are recorded, others attached by the service. Neither collects anything. */
export class PaymentMethodAdopter implements Adopter<'paymentMethods', TilledPaymentMethod> {
  constructor(private readonly parts: { readonly processor: Processor; readonly paymentMethods: PaymentMethodService }) {}

  async findAtTilled(scope: Scope, { fields }: Row): Promise<TilledPaymentMethod | null> {
    return this.parts.processor.find(scope, (tilled) => tilled.getPaymentMethod(fields.tilledPaymentMethodId ?? ''));
  }

  async judge(scope: Scope, row: Row, snapshot: TilledPaymentMethod | null | undefined, context: ImportContext): Promise<LineDecision> {
    const { fields } = row;
    if (!snapshot) return refused(`Tilled has no payment method ${fields.tilledPaymentMethodId} in this account.`);
    const known = await PaymentMethodRepository.of(scope).findByTilledId(snapshot.id);
    if (known !== null && !(context.isResumed && known.createdAt >= context.run.createdAt)) return { kind: 'existing', id: known.id };
    const tilledId = snapshot.customer_id;
    if (tilledId === null) return this.judgeUnattached(scope, row, context);
    if (fields.tilledCustomerId !== undefined && fields.tilledCustomerId !== tilledId)
      return refused(`At Tilled it belongs to ${tilledId}.`);
    const customer = await CustomerRepository.of(scope).findByTilledId(tilledId);
    if (customer === null) {
      const isComing = context.rehearsed?.has('cus', tilledId) || context.rehearsed?.has('externalId', fields.customerExternalId);
      return isComing ? { kind: 'adopt' } : refused(`Its customer ${tilledId} is not here: import it first.`);
    }
    const isSame = fields.customerExternalId === undefined || customer.externalId === fields.customerExternalId;
    return isSame ? { kind: 'adopt' } : refused(`At Tilled it belongs to ${tilledId}, which is another customer here than the line says.`);
  }

  private async judgeUnattached(scope: Scope, { fields }: Row, { rehearsed }: ImportContext): Promise<LineDecision> {
    const customer = await ownerOf(scope, fields);
    const isComing = rehearsed?.has('externalId', fields.customerExternalId) || rehearsed?.has('cus', fields.tilledCustomerId);
    if (customer === null && !isComing) return refused('It is not attached at Tilled, and the customer the line names is not here.');
    return { kind: 'create' };
  }

  async adopt(tx: Scope, { fields }: Row, snapshot: TilledPaymentMethod): Promise<Imported> {
    await this.parts.paymentMethods.mirror(tx, snapshot, { setAsDefault: fields.isDefault });
    await tx.db.flush();
    const method = await PaymentMethodRepository.of(tx).lockByTilledId(snapshot.id);
    if (method === null) throw new Error(`The payment method ${snapshot.id} was recorded and is not here.`);
    return { id: method.id, tilledId: snapshot.id, version: null };
  }

  async create(scope: Scope, { key, fields }: Row, { run }: ImportContext): Promise<Imported> {
    const customer = await ownerOf(scope, fields);
    const { row, errors } = await this.parts.paymentMethods.attach(scope, {
      customerId: customer?.id ?? '',
      tilledPaymentMethodId: fields.tilledPaymentMethodId ?? '',
      setAsDefault: fields.isDefault,
      idempotencyKey: `import ${run.id} method ${key}`,
    });
    if (row === null) throw failureOf(errors);
    return { id: row.id, tilledId: row.tilledPaymentMethodId, version: null };
  }
}

/** The customer a line names, by the app's own id or by Tilled's; null if not here. */
export async function ownerOf(
  scope: Scope,
  whose: { readonly customerExternalId?: string | undefined; readonly tilledCustomerId?: string | undefined },
): Promise<Customer | null> {
  const customers = CustomerRepository.of(scope);
  if (whose.tilledCustomerId !== undefined) return customers.findByTilledId(whose.tilledCustomerId);
  return whose.customerExternalId === undefined ? null : customers.findByExternalId(whose.customerExternalId);
}
