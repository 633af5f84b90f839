import { calledAtTilled, calledHere } from '../../billing/customers/customer.name.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { markedId, type Processor } from '../../billing/kit/processor.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { inParallel } from './import.pace.js';
import { type ImportTotals } from './import.rows.js';
import { originOf } from './import.subscriptions.js';
import type { ImportItem } from './import-item.entity.js';
import { ImportItemRepository } from './import-item.repository.js';
import { ImportRunRepository } from './import-run.repository.js';

/** One question about an import, with its answer. */
export interface ImportCheck {
  readonly check: string;
  readonly isOk: boolean;
  readonly detail: string;
}

const PAGE = 100;
const SHOWN_MAX = 5;

/** Whether what a run brought in is all there, hangs together and equals Tilled's. Reads only. */
export class ImportVerification {
  constructor(private readonly processor: Processor) {}

  /** Throws NotFound for a run that is not this app's. */
  async run(scope: Scope, runId: string): Promise<ImportCheck[]> {
    const run = await ImportRunRepository.of(scope).get(runId, ['run']);
    const checks: ImportCheck[] = [];
    for (const noun of IMPORT_NOUNS) checks.push(await this.counts(scope, runId, noun, run.totals));
    for (const noun of IMPORT_NOUNS) checks.push(await this.equality(scope, runId, noun));
    checks.push(
      await this.live(scope, runId),
      await this.relationships(scope, runId),
      await this.prices(scope, runId, run.totals),
      await this.defaults(scope, runId),
    );
    return checks;
  }

  private async counts(scope: Scope, runId: string, noun: ImportNoun, totals: ImportTotals): Promise<ImportCheck> {
    const {
      made = 0,
      created = 0,
      existing = 0,
      failed = 0,
      rolled_back: gone = 0,
    } = await ImportItemRepository.of(scope).countsOf(runId, noun);
    const here = made + created + existing;
    const { lines } = totals[noun];
    const detail = `${lines} in the source; ${made} made, ${created} made at Tilled too, ${existing} there before, ${failed} failed, ${gone} rolled back`;
    return { check: `count of ${noun}`, isOk: lines === here, detail };
  }

  private async equality(scope: Scope, runId: string, noun: ImportNoun): Promise<ImportCheck> {
    let compared = 0;
    const differing: string[] = [];
    for (let afterId = ''; ; ) {
      const items = await ImportItemRepository.of(scope).after(runId, noun, afterId, PAGE);
      const last = items.at(-1);
      if (last === undefined) break;
      afterId = last.id;
      const present = items.filter(({ action, objectId }) => objectId !== null && action !== 'failed' && action !== 'rolled_back');
      compared += present.length;
      // A scope remembers what it read until a transaction ends.
      const found = await inParallel(present, (item) => COMPARE[noun](this.processor, scope, item));
      await scope.transaction(async () => undefined);
      differing.push(...found.flatMap((differences, index) => differences.map((what) => `${present[index]?.objectId}: ${what}`)));
    }
    const shown = differing.slice(0, SHOWN_MAX).join('; ');
    const detail = differing.length === 0 ? `${compared} compared` : `${differing.length} differences among ${compared}: ${shown}`;
    return { check: `${noun} equal Tilled's`, isOk: differing.length === 0, detail };
  }

  /** A subscription that this or an earlier import made, and that has ended, collects nothing from anybody. */
  private async live(scope: Scope, runId: string): Promise<ImportCheck> {
    const rows = await scope.db.query(
      `select s.id, s.metadata, s.status from billing_import_items i join billing_subscriptions s on s.app_id = i.app_id and s.id = i.object_id
       where i.app_id = ? and i.run_id = ? and i.noun = 'subscriptions' and i.action in ('created', 'existing') order by s.id`,
      [scope.appId, runId],
    );
    const made = rows.filter((row) => originOf(row['metadata']) !== undefined);
    const ended = made.filter((row) => row['status'] === 'CANCELED').map((row) => String(row['id']));
    const detail =
      ended.length === 0
        ? `${made.length} made by an import, all live`
        : `${ended.length} of ${made.length} have ended: ${ended.slice(0, SHOWN_MAX).join(', ')}`;
    return { check: 'new subscriptions are live', isOk: ended.length === 0, detail };
  }

  private async relationships(scope: Scope, runId: string): Promise<ImportCheck> {
    const broken = await scope.db.query(
      `select s.id from billing_import_items i join billing_subscriptions s on s.app_id = i.app_id and s.id = i.object_id
       join billing_payment_methods m on m.app_id = s.app_id and m.id = s.payment_method_id
       where i.app_id = ? and i.run_id = ? and i.noun = 'subscriptions' and m.customer_id <> s.customer_id limit ${SHOWN_MAX}`,
      [scope.appId, runId],
    );
    const detail =
      broken.length === 0
        ? 'every subscription is paid with a method of its own customer'
        : broken.map((row) => String(row['id'])).join(', ');
    return { check: 'relationships', isOk: broken.length === 0, detail };
  }

  private async prices(scope: Scope, runId: string, totals: ImportTotals): Promise<ImportCheck> {
    const { prices, priced, lines } = totals.subscriptions;
    const rows = await scope.db.query(
      `select s.currency as currency, s.interval_unit as unit, s.interval_count as per, sum(s.price_minor) as summed
       from billing_import_items i join billing_subscriptions s on s.app_id = i.app_id and s.id = i.object_id
       where i.app_id = ? and i.run_id = ? and i.noun = 'subscriptions' group by s.currency, s.interval_unit, s.interval_count`,
      [scope.appId, runId],
    );
    const here = Object.fromEntries(
      rows.map((row) => [`${row['currency']} ${String(row['unit']).toLowerCase()} ${row['per']}`, Number(row['summed'])]),
    );
    const kinds = [...new Set([...Object.keys(prices), ...Object.keys(here)])].toSorted();
    const isComparable = priced === lines && lines > 0;
    const detail = kinds.map((kind) => `${kind}: ${here[kind] ?? 0}${isComparable ? ` (source ${prices[kind] ?? 0})` : ''}`).join('; ');
    const isOk = !isComparable || kinds.every((kind) => here[kind] === prices[kind]);
    return { check: 'sums of prices per interval', isOk, detail: detail || 'no subscriptions' };
  }

  private async defaults(scope: Scope, runId: string): Promise<ImportCheck> {
    const broken = await scope.db.query(
      `select m.customer_id as id from billing_payment_methods m where m.app_id = ? and m.detached_at is null and m.customer_id in
         (select i.object_id from billing_import_items i where i.app_id = ? and i.run_id = ? and i.noun = 'customers')
       group by m.customer_id having sum(case when m.default_of = m.customer_id then 1 else 0 end) <> 1 limit ${SHOWN_MAX}`,
      [scope.appId, scope.appId, runId],
    );
    const detail = broken.length === 0 ? 'every customer with payment methods has one' : broken.map((row) => String(row['id'])).join(', ');
    return { check: 'one default method per customer', isOk: broken.length === 0, detail };
  }
}

type Compare = (processor: Processor, scope: Scope, item: ImportItem) => Promise<string[]>;

const COMPARE: Readonly<Record<ImportNoun, Compare>> = {
  customers: async (processor, scope, item) => {
    const row = await CustomerRepository.of(scope).find(item.objectId ?? '');
    if (row === null) return ['not here any more'];
    const id = row.tilledCustomerId;
    const theirs = id === null ? null : await processor.find(scope, (tilled) => tilled.getCustomer(id));
    if (theirs === null) return ['not at Tilled'];
    const isMarked = item.action === 'existing' || markedId(scope, theirs.metadata) === row.id;
    const [ours, called] = [calledHere(row), calledAtTilled(theirs)];
    return differing({ email: [ours.email, called.email], name: [ours.name, called.name], mark: [true, isMarked] });
  },
  paymentMethods: async (processor, scope, item) => {
    const row = await PaymentMethodRepository.of(scope).find(item.objectId ?? '');
    if (row === null) return ['not here any more'];
    const theirs = await processor.find(scope, (tilled) => tilled.getPaymentMethod(row.tilledPaymentMethodId));
    if (theirs === null) return ['not at Tilled'];
    const { tilledCustomerId } = await CustomerRepository.of(scope).get(row.customerId);
    const card = theirs.card ?? theirs.card_present;
    return differing({
      customer: [row.detachedAt === null ? tilledCustomerId : null, theirs.customer_id],
      type: [row.type.toLowerCase(), theirs.type],
      last4: [row.last4, card?.last4 ?? null],
      expYear: [row.expYear, card?.exp_year ?? null],
      expMonth: [row.expMonth, card?.exp_month ?? null],
    });
  },
  subscriptions: async (processor, scope, item) => {
    const row = await SubscriptionRepository.of(scope).find(item.objectId ?? '');
    if (row === null) return ['not here any more'];
    const id = row.tilledSubscriptionId;
    const theirs = id === null ? null : await processor.find(scope, (tilled) => tilled.getSubscription(id));
    if (theirs === null) return ['not at Tilled'];
    const { tilledCustomerId } = await CustomerRepository.of(scope).get(row.customerId);
    const { tilledPaymentMethodId } = await PaymentMethodRepository.of(scope).get(row.paymentMethodId);
    return differing({
      customer: [tilledCustomerId, theirs.customer_id],
      paymentMethod: [tilledPaymentMethodId, theirs.payment_method_id],
      status: [row.status.toLowerCase(), theirs.status],
      price: [row.priceMinor, theirs.price],
      currency: [row.currency, theirs.currency],
      interval: [`${row.intervalUnit.toLowerCase()} ${row.intervalCount}`, `${theirs.interval_unit} ${theirs.interval_count}`],
      nextPaymentAt: [row.nextPaymentAt?.getTime() ?? null, theirs.next_payment_at === null ? null : Date.parse(theirs.next_payment_at)],
      mark: [true, item.action === 'existing' || markedId(scope, theirs.metadata) === row.id],
    });
  },
};

/** Names of what differs. Values stay out: they may be personal. */
function differing(pairs: Readonly<Record<string, readonly [unknown, unknown]>>): string[] {
  return Object.entries(pairs)
    .filter(([, [ours, theirs]]) => ours !== theirs)
    .map(([name]) => name);
}
