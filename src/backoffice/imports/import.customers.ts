import type { CustomerAdoption } from '../../billing/customers/customer.adoption.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import type { CustomerService } from '../../billing/customers/customer.service.js';
import { isOfAnotherApp, type Processor } from '../../billing/kit/processor.js';
import { AppError, OutcomeUnknown, ProcessorUnavailable, type UserErrorCode, type UserErrorFacts } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer } from '../../tilled/tilled.shapes.js';
import { type Adopter, type ImportContext, type Imported, type LineDecision, refused } from './import.adopter.js';
import type { ImportRow } from './import.rows.js';

type Row = ImportRow<'customers'>;

/** Customers: adopted by their Tilled id, or made at Tilled through the customer service. */
export class CustomerAdopter implements Adopter<'customers', TilledCustomer> {
  constructor(
    private readonly parts: { readonly processor: Processor; readonly customers: CustomerService; readonly adoption: CustomerAdoption },
  ) {}

  async findAtTilled(scope: Scope, { fields }: Row): Promise<TilledCustomer | null | undefined> {
    const id = fields.tilledCustomerId;
    return id === undefined ? undefined : this.parts.processor.find(scope, (tilled) => tilled.getCustomer(id));
  }

  async judge(scope: Scope, { fields }: Row, snapshot: TilledCustomer | null | undefined, context: ImportContext): Promise<LineDecision> {
    const customers = CustomerRepository.of(scope);
    const namesake = fields.externalId === undefined ? null : await customers.findByExternalId(fields.externalId);
    if (snapshot === undefined) {
      // A resumed run may have made it itself; its idempotency key knows.
      return namesake === null || context.isResumed ? { kind: 'create' } : { kind: 'existing', id: namesake.id };
    }
    if (snapshot === null) return refused(`Tilled has no customer ${fields.tilledCustomerId} in this account.`);
    const known = await customers.findByTilledId(snapshot.id);
    if (known !== null) return { kind: 'existing', id: known.id };
    if (isOfAnotherApp(scope, snapshot.metadata)) return refused(`The customer ${snapshot.id} carries the mark of another app.`);
    if (namesake !== null) return refused(`Its externalId belongs to customer ${namesake.id} already, which is another one at Tilled.`);
    if (!(fields.email ?? snapshot.email)) return refused(`Tilled has no e-mail address for ${snapshot.id}: give one in the file.`);
    return { kind: 'adopt' };
  }

  async adopt(tx: Scope, { fields }: Row, snapshot: TilledCustomer): Promise<Imported> {
    const { id, version } = await this.parts.adoption.adopt(tx, snapshot, fields);
    return { id, tilledId: snapshot.id, version };
  }

  async create(scope: Scope, { key, fields }: Row, { run }: ImportContext): Promise<Imported> {
    const { email = '', name, externalId, metadata } = fields;
    const input = {
      email,
      name: name ?? null,
      externalId: externalId ?? null,
      metadata,
      idempotencyKey: `import ${run.id} customer ${key}`,
    };
    const { row, errors } = await this.parts.customers.create(scope, input);
    if (row === null) throw failureOf(errors);
    return { id: row.id, tilledId: row.tilledCustomerId, version: row.version };
  }

  mark(scope: Scope, tilledId: string, snapshot: TilledCustomer | undefined): Promise<void> {
    return this.parts.adoption.mark(scope, tilledId, snapshot);
  }
}

/** A failure as a service reported it. */
class Reported extends AppError {
  constructor(
    readonly code: UserErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** What a service reported instead of a row, as the error it was. */
export function failureOf(errors: readonly UserErrorFacts[]): AppError {
  const [first] = errors;
  if (first === undefined) return new OutcomeUnknown();
  if (first.code === 'PROCESSOR_UNAVAILABLE') return new ProcessorUnavailable(first.retryAfterMs ?? 1_000);
  return new Reported(first.code, first.message);
}
