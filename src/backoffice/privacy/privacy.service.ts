import { FORGOTTEN_PERSON, placeOf } from '../../access/secret-places.js';
import type { CustomerDeletion, Person } from '../../billing/customers/customer.deletion.js';
import type { Customer } from '../../billing/customers/customer.entity.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import type { Erasure } from '../../billing/customers/erasure.entity.js';
import { ErasureRepository } from '../../billing/customers/erasure.repository.js';
import { erasedMetadata } from '../../billing/kit/metadata.js';
import { WebhookDeliveryRepository } from '../../deliveries/delivery.repository.js';
import type { RawRow } from '../../platform/db/table.js';
import { Conflict, NotFound } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { Vault } from '../../platform/vault.js';
import {
  CUSTOMER_TABLES,
  type CustomerRows,
  divergencesAbout,
  idsOf,
  jobsAbout,
  namesOne,
  readable,
  rowsBy,
  rowsOfCustomer,
  rowsWhere,
  tracesOf,
} from './customer-records.js';
import { ERASED, holdsOne, withoutPersonalData } from './personal-data.js';
import { eraseToldEvents } from './told-events.js';
import { allWords, type Words, wordsOf } from './words.js';

/** What an erasure changed beside the customer itself. */
export interface ErasureResult {
  readonly customerId: string;
  readonly rows: number;
  readonly events: number;
}

/** A customer by ids alone. */
export interface KnownCustomer {
  readonly customerId: string;
  readonly tilledCustomerId: string | null;
}

const PAGE = 200;

/** What we know of a person, handed out; and taken away, while the financial records stay. */
export class PrivacyService {
  constructor(
    private readonly deletion: CustomerDeletion,
    private readonly vault: Vault,
  ) {}

  /** Everything that is stored about a customer, by table, as they may ask for it. Throws NotFound. */
  async export(scope: Scope, customerId: string): Promise<Record<string, unknown>> {
    const rows = await rowsOfCustomer(scope, (await findCustomer(scope, customerId)).id);
    const traces = await tracesOf(scope, idsOf(Object.values(rows).flat()));
    const tables = Object.entries({ ...rows, ...traces }).map(([table, found]) => [table, found.map((row) => readable(row))]);
    return { app: scope.appId, exportedAt: scope.now().toISOString(), ...Object.fromEntries(tables) };
  }

  /**
   * Forgets a customer: deletes them at Tilled, detaches their payment methods, and removes what is personal from
   * everything stored, while ids, amounts, states and moments stay. Throws what customerDelete is refused with
   * (Conflict: a subscription is live, or a payment is held, waits or is UNKNOWN; the message names it), NotFound.
   * Repeatable: where Tilled did not answer the deletion ends by itself, and the next erasure or the daily sweep
   * still knows by which words the traces are found. They also cover events that Tilled sends later.
   */
  async erase(scope: Scope, customerId: string): Promise<ErasureResult> {
    const { id, deletedAt } = (await this.findForgotten(scope, customerId)) ?? (await findCustomer(scope, customerId));
    if (deletedAt === null) {
      const { errors } = await this.deletion.delete(scope, { id });
      if (errors[0] !== undefined) throw new Conflict(`The customer is not erased: ${errors[0].message}`);
    }
    return this.sweep(scope, [id], { sinceEventId: '' });
  }

  /**
   * Deletes customers again who are back after a restore, in our books alone. Returns them, and those of whom there
   * is no row though events may tell: the traces of both are to be swept once the events since were recorded.
   */
  async deleteAgain(scope: Scope, erased: readonly KnownCustomer[]) {
    const ids = erased.map(({ customerId }) => customerId);
    const rows = new Map((await rowsBy(scope, 'billing_customers', 'id', ids)).map((row) => [row['id'], row] as const));
    const back = erased.filter(({ customerId }) => rows.get(customerId)?.['deleted_at'] === null);
    for (const { customerId, tilledCustomerId } of back) await this.deletion.again(scope, customerId, tilledCustomerId);
    return { back, unknown: erased.filter(({ customerId }) => !rows.has(customerId)) };
  }

  /**
   * Removes what is personal of deleted customers, in events from `sinceEventId` on, and then the memory of them.
   * They may be `alsoKnownAs` other ids than their rows say.
   */
  async sweep(
    scope: Scope,
    customerIds: readonly string[],
    { sinceEventId, alsoKnownAs = [] }: { readonly sinceEventId: string; readonly alsoKnownAs?: readonly string[] },
  ): Promise<ErasureResult> {
    const [known, words]: [Set<string>, Words[]] = [new Set(alsoKnownAs), []];
    for (const id of customerIds) {
      const its = Object.values(await rowsOfCustomer(scope, id)).flat();
      for (const one of idsOf(its)) known.add(one);
      words.push(wordsOf(await this.personOf(scope, id), its));
    }
    const all = allWords(words);
    const { events, mentioned } = await this.eraseEvents(scope, known, { ...all, sinceEventId });
    let rows = await this.eraseTraces(scope, [...known, ...mentioned], all);
    rows += await eraseToldEvents(scope, 'person_id', customerIds);
    // What receivers answered to events about them.
    rows += await WebhookDeliveryRepository.of(scope).forgetAnswersAbout('person_id', customerIds);
    // Last, since a sweep that is cut off finds the rest by what these say.
    for (const id of customerIds) rows += await this.eraseRows(scope, await rowsOfCustomer(scope, id), all.values);
    await scope.transaction(async (tx) => {
      for (const id of customerIds) await ErasureRepository.of(tx).end(id);
    });
    scope.request.log.info('personal data erased', { customers: customerIds.length, rows, events });
    return { customerId: customerIds[0] ?? '', rows, events };
  }

  /** What a customer's row said before they were deleted; null once their traces are removed. */
  private async personOf(scope: Scope, id: string): Promise<Person | null> {
    const erasure = await ErasureRepository.of(scope).find(id);
    return erasure === null ? null : this.opened(scope, erasure);
  }

  private opened({ appId }: Scope, { id, personSealed }: Erasure): Person {
    return JSON.parse(this.vault.open(personSealed, placeOf(FORGOTTEN_PERSON, appId, id)));
  }

  /** A deleted customer by the external id that their row does not say any more. */
  private async findForgotten(scope: Scope, externalId: string): Promise<Customer | null> {
    const erasure = (await ErasureRepository.of(scope).all()).find((one) => this.opened(scope, one).externalId === externalId);
    const customer = erasure === undefined ? null : await CustomerRepository.of(scope).find(erasure.id);
    return customer?.deletedAt ? customer : null;
  }

  /** Amounts, states and dates are financial records; free text and metadata are not. */
  private async eraseRows(scope: Scope, rows: CustomerRows, values: readonly string[]): Promise<number> {
    let changed = 0;
    for (const table of CUSTOMER_TABLES) {
      for (const row of rows[table]) changed += await update(scope, table, row, cleanColumns(row, values));
    }
    return changed;
  }

  /** One pass over the events, a page at a time: what an event is about may be named anywhere in its body. */
  private async eraseEvents(
    scope: Scope,
    known: ReadonlySet<string>,
    { values, telling, sinceEventId }: Words & { readonly sinceEventId: string },
  ): Promise<{ events: number; mentioned: string[] }> {
    let events = 0;
    const mentioned = new Set<string>();
    for (let afterId = sinceEventId; ; ) {
      const sql = `select id, object_id, error, payload from billing_webhooks where app_id = ? and id > ? order by id limit ${PAGE}`;
      const page = await scope.db.query(sql, [scope.appId, afterId]);
      for (const row of page) {
        const payload = String(row['payload']);
        const isAbout = namesOne(payload, known) || holdsOne(payload, telling);
        if (!isAbout) continue;
        if (row['object_id'] !== null) mentioned.add(String(row['object_id']));
        const clean = JSON.stringify(withoutPersonalData(JSON.parse(payload), values));
        events += await update(scope, 'billing_webhooks', row, { payload: clean, error: cleanText(row['error'], values) });
      }
      const last = page.at(-1);
      if (last === undefined) return { events, mentioned: [...mentioned] };
      afterId = String(last['id']);
    }
  }

  /** Messages of failures may repeat what was sent: in facts, keys and work; differences hold what was compared. */
  private async eraseTraces(scope: Scope, ids: readonly string[], { values, telling }: Words): Promise<number> {
    let changed = 0;
    for (const row of await rowsBy(scope, 'billing_webhook_facts', 'object_id', ids))
      changed += await update(scope, 'billing_webhook_facts', row, { message: cleanText(row['message'], values) });
    for (const row of await jobsAbout(scope, ids)) {
      const clean = { payload: cleanJson(row['payload'], values), last_error: cleanText(row['last_error'], values) };
      changed += await update(scope, 'billing_jobs', row, clean);
    }
    const different = await this.differencesAbout(scope, ids, telling);
    for (const row of different) {
      const sides = { ours: cleanJson(row['ours'], values), theirs: cleanJson(row['theirs'], values) };
      changed += await update(scope, 'billing_divergences', row, { ...sides, note: cleanText(row['note'], values) });
    }
    changed += await eraseToldEvents(scope, 'object_id', idsOf(different));
    changed += await WebhookDeliveryRepository.of(scope).forgetAnswersAbout('object_id', idsOf(different));
    for (const row of await this.keysAbout(scope, ids, telling)) {
      changed += await update(scope, 'billing_idempotency_keys', row, { errors: cleanJson(row['errors'], values) });
    }
    return changed;
  }

  /** Differences about what is the customer's, and about what Tilled has under their name and we have not. */
  private async differencesAbout(scope: Scope, ids: readonly string[], telling: readonly string[]): Promise<RawRow[]> {
    const theirs = await divergencesAbout(scope, ids);
    const named = (row: RawRow) => holdsOne(String(row['theirs']), telling);
    return [...theirs, ...(await rowsWhere(scope, { table: 'billing_divergences', where: 'object_id is null', isKept: named }))];
  }

  /** Keys of what is the customer's, and of requests that were refused with words about them. */
  private async keysAbout(scope: Scope, ids: readonly string[], telling: readonly string[]): Promise<RawRow[]> {
    const theirs = await rowsBy(scope, 'billing_idempotency_keys', 'resource_id', ids);
    const named = (row: RawRow) => holdsOne(String(row['errors']), telling);
    const where = "resource_id is null and errors <> '[]'";
    return [...theirs, ...(await rowsWhere(scope, { table: 'billing_idempotency_keys', where, isKept: named }))];
  }
}

async function findCustomer(scope: Scope, key: string) {
  const customers = CustomerRepository.of(scope);
  const found = (await customers.find(key)) ?? (await customers.findByTilledId(key)) ?? (await customers.findByExternalId(key));
  if (found === null) throw new NotFound('customer', key);
  return found;
}

/** The columns of a row that have to change, with what they become. */
function cleanColumns(row: RawRow, values: readonly string[]): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const column of ['metadata', 'description', 'failure_message', 'reference_id', 'reference_held', 'reason'] as const) {
    if (!(column in row) || row[column] === null) continue;
    if (column === 'metadata') clean[column] = JSON.stringify(erasedMetadata(JSON.parse(String(row[column]))));
    else if (column === 'description') clean[column] = null;
    // A reference keeps a payment from being made twice; it goes only if it says who paid.
    else clean[column] = column.startsWith('reference_') && holdsOne(String(row[column]), values) ? null : cleanText(row[column], values);
  }
  for (const column of ['brand', 'last4', 'exp_month', 'exp_year', 'bank_name', 'bank_last']) if (column in row) clean[column] = null;
  return clean;
}

function cleanJson(text: unknown, values: readonly string[]): unknown {
  return typeof text === 'string' ? JSON.stringify(withoutPersonalData(JSON.parse(text), values)) : null;
}

function cleanText(text: unknown, values: readonly string[]): unknown {
  return typeof text === 'string' && holdsOne(text, values) ? ERASED : text;
}

/** Changes what differs; 1 if anything did. */
function update(scope: Scope, table: string, row: RawRow, clean: Readonly<Record<string, unknown>>): Promise<number> {
  const changes = Object.entries(clean).filter(([column, value]) => row[column] !== value);
  if (changes.length === 0) return Promise.resolve(0);
  const sets = changes.map(([column]) => `${column} = ?`).join(', ');
  const parameters = [...changes.map(([, value]) => value), scope.appId, row['id']];
  return scope.db.run(`update ${table} set ${sets} where app_id = ? and id = ?`, parameters);
}
