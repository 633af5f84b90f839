import type { Processor } from '../../billing/kit/processor.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { ListQuery, TilledReader } from '../../tilled/tilled.client.js';
import type { TilledList, TilledPaymentMethod } from '../../tilled/tilled.shapes.js';
import type { ImportNoun } from './import.nouns.js';
import type { ImportRow } from './import.rows.js';

const PAGE = 100;
const METHOD_TYPES = ['card', 'ach_debit', 'eft_debit'] as const;

/** What the app's own Tilled account holds, as lines of a source: each is adopted as Tilled has it. */
export async function* accountRows(processor: Processor, scope: Scope, noun: ImportNoun): AsyncGenerator<ImportRow> {
  if (noun === 'customers') {
    for await (const customer of everyOne(processor, scope, (tilled, page) => tilled.listCustomers(page))) {
      yield { key: customer.id, line: null, fields: { tilledCustomerId: customer.id, metadata: {} }, snapshot: customer };
    }
  } else if (noun === 'paymentMethods') yield* methodRows(processor, scope);
  else {
    for await (const subscription of everyOne(processor, scope, (tilled, page) => tilled.listSubscriptions(page))) {
      yield { key: subscription.id, line: null, fields: { tilledSubscriptionId: subscription.id, metadata: {} }, snapshot: subscription };
    }
  }
}

/** Lists are of one customer and type at a time. The oldest comes first, so that it becomes the default. */
async function* methodRows(processor: Processor, scope: Scope): AsyncGenerator<ImportRow<'paymentMethods'>> {
  for await (const { id: customerId } of everyOne(processor, scope, (tilled, page) => tilled.listCustomers(page))) {
    const methods: TilledPaymentMethod[] = [];
    for (const type of METHOD_TYPES) {
      const query = { type, customer_id: customerId };
      for await (const method of everyOne(processor, scope, (tilled, page) => tilled.listPaymentMethods({ ...page, ...query }))) {
        methods.push(method);
      }
    }
    for (const method of methods.toSorted((one, other) => (one.created_at < other.created_at ? -1 : 1))) {
      yield { key: method.id, line: null, fields: { tilledPaymentMethodId: method.id, isDefault: false }, snapshot: method };
    }
  }
}

/** Newest first, a page at a time. What is made meanwhile shifts pages; what comes twice is done once. */
async function* everyOne<Item>(
  processor: Processor,
  scope: Scope,
  list: (tilled: TilledReader, page: ListQuery) => Promise<TilledList<Item>>,
): AsyncGenerator<Item> {
  for (let offset = 0; ; offset += PAGE) {
    const page = await processor.ask(scope, (tilled) => list(tilled, { limit: PAGE, offset }));
    yield* page.items;
    if (!page.has_more) return;
  }
}
