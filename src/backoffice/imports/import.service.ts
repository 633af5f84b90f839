import { createHash } from 'node:crypto';
import type { CustomerAdoption } from '../../billing/customers/customer.adoption.js';
import type { CustomerService } from '../../billing/customers/customer.service.js';
import type { Processor } from '../../billing/kit/processor.js';
import type { PaymentMethodService } from '../../billing/payment-methods/payment-method.service.js';
import type { SubscriptionAdoption } from '../../billing/subscriptions/subscription.adoption.js';
import type { SubscriptionService } from '../../billing/subscriptions/subscription.service.js';
import { Conflict } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { Adopter, ImportContext } from './import.adopter.js';
import { ImportBatch, type LineOutcome } from './import.batch.js';
import { CustomerAdopter } from './import.customers.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { PaymentMethodAdopter } from './import.payment-methods.js';
import type { ImportRow, ImportTotals, LineProblem } from './import.rows.js';
import { SubscriptionAdopter } from './import.subscriptions.js';
import { accountRows } from './import.tilled.js';
import type { ImportPlan, Validation } from './import.validation.js';
import { ImportRunRepository, RunTakenOver } from './import-run.repository.js';

/** Everything an import is made with. */
export interface ImportParts {
  readonly processor: Processor;
  readonly customers: CustomerService;
  readonly customerAdoption: CustomerAdoption;
  readonly paymentMethods: PaymentMethodService;
  readonly subscriptions: SubscriptionService;
  readonly subscriptionAdoption: SubscriptionAdoption;
}

/** Where the lines come from: validated files, or the app's own Tilled account. */
export type ImportSource = { readonly plan: ImportPlan; readonly validation: Validation } | 'tilled';

/** How far an import is. */
export interface ImportProgress {
  readonly noun: ImportNoun;
  readonly done: number;
  /** Null while nobody knows. */
  readonly total: number | null;
}

/** Who is told what happens. */
export interface ImportListener {
  readonly progress: (progress: ImportProgress) => void;
  /** Told of every line that failed or was skipped. */
  readonly trouble: (noun: ImportNoun, outcome: LineOutcome) => void;
}

/** How many lines became what, by noun. */
export type ImportCounts = Record<ImportNoun, Record<LineOutcome['action'], number>>;

/** A run that ended: its id (null for a rehearsal), and what became of its lines. */
export interface ImportResult {
  readonly runId: string | null;
  readonly isResumed: boolean;
  readonly counts: ImportCounts;
}

const BATCH = 100;

/** Imports customers, payment methods and subscriptions. It never collects anything by itself. */
export class ImportService {
  private readonly adopters: { readonly [Noun in ImportNoun]: Adopter<Noun, never> };

  constructor(private readonly parts: ImportParts) {
    const { processor, customers, paymentMethods, subscriptions } = parts;
    this.adopters = {
      customers: new CustomerAdopter({ processor, customers, adoption: parts.customerAdoption }) as Adopter<'customers', never>,
      paymentMethods: new PaymentMethodAdopter({ processor, paymentMethods }) as Adopter<'paymentMethods', never>,
      subscriptions: new SubscriptionAdopter({ processor, subscriptions, adoption: parts.subscriptionAdoption }) as Adopter<
        'subscriptions',
        never
      >,
    };
  }

  /** Reads the files once, and tells `report` everything that is wrong with any line. Writes nothing. */
  async validate(scope: Scope, plan: ImportPlan, report: (problem: LineProblem) => void): Promise<Validation> {
    const { validate } = await loadReading();
    return validate(plan, scope.now(), report);
  }

  /** What a run would do. Asks Tilled, and writes nothing here or there. */
  async rehearse(scope: Scope, source: ImportSource, listener: ImportListener): Promise<ImportResult> {
    const run = { id: 'rehearsal', createdAt: scope.now() };
    const { NamedKeys } = await loadReading();
    const context: ImportContext = { run, isResumed: false, rehearsed: new NamedKeys() };
    const counts = await this.everyBatch(scope, source, listener, (noun, rows) =>
      new ImportBatch({ noun, adopter: this.adopters[noun] as Adopter<ImportNoun, never>, context, fence: 0 }).rehearse(scope, rows),
    );
    return { runId: null, isResumed: false, counts };
  }

  /** Runs or resumes the run of a command. Throws when Tilled stays out of reach; what was done is kept. */
  async run(scope: Scope, source: ImportSource, listener: ImportListener, onOpen: (runId: string) => void): Promise<ImportResult> {
    const { run, isResumed } = await this.open(scope, source);
    onOpen(run.id);
    const context: ImportContext = { run, isResumed, rehearsed: null };
    const counts = await this.everyBatch(scope, source, listener, (noun, rows) =>
      new ImportBatch({ noun, adopter: this.adopters[noun] as Adopter<ImportNoun, never>, context, fence: run.fence }).run(scope, rows),
    );
    await scope.transaction(async (tx) => {
      const row = await ImportRunRepository.of(tx).lock(run.id);
      if (row.fence !== run.fence) throw new RunTakenOver(run.id);
      Object.assign(row, { state: 'done', updatedAt: tx.now() });
      if (source === 'tilled') row.totals = totalsOf(counts);
    });
    return { runId: run.id, isResumed, counts };
  }

  private open(scope: Scope, source: ImportSource) {
    const account = createHash('sha256').update(`account ${scope.caller.app.processorAccountId}`).digest('hex');
    const fingerprint = source === 'tilled' ? account : source.validation.fingerprint;
    return scope.transaction(async (tx) => {
      const runs = ImportRunRepository.of(tx);
      const known = await runs.findByFingerprint(fingerprint);
      if (known?.state === 'rolling_back')
        throw new Conflict(`${known.id} is the same import and is being taken back: finish that first with --rollback ${known.id}.`);
      // An account goes on living: once it was imported, importing it again is another run.
      if (known !== null && !(source === 'tilled' && known.state === 'done')) {
        const run = await runs.lock(known.id);
        Object.assign(run, { fence: run.fence + 1, state: 'running', updatedAt: tx.now() });
        return { run, isResumed: true };
      }
      const run = runs.add({
        id: tx.newId('imp'),
        fingerprint,
        source: source === 'tilled' ? 'tilled' : 'files',
        state: 'running',
        fence: 1,
        totals: source === 'tilled' ? totalsOf(noCounts()) : source.validation.totals,
        createdAt: tx.now(),
        updatedAt: tx.now(),
      });
      return { run, isResumed: false };
    });
  }

  private async everyBatch(
    scope: Scope,
    source: ImportSource,
    listener: ImportListener,
    work: (noun: ImportNoun, rows: readonly ImportRow[]) => Promise<LineOutcome[]>,
  ): Promise<ImportCounts> {
    const counts = noCounts();
    for (const noun of IMPORT_NOUNS) {
      const total = source === 'tilled' ? null : source.validation.totals[noun].lines;
      const rows =
        source === 'tilled'
          ? accountRows(this.parts.processor, scope, noun)
          : (await loadReading()).validRows(source.plan, noun, scope.now());
      let done = 0;
      for await (const batch of batches(rows)) {
        for (const outcome of await work(noun, batch)) {
          counts[noun][outcome.action] += 1;
          if (outcome.action === 'failed' || outcome.action === 'skipped') listener.trouble(noun, outcome);
        }
        done += batch.length;
        listener.progress({ noun, done, total });
      }
    }
    return counts;
  }
}

/** Loaded with the first import, with the libraries that read and check files: a gateway starts without them. */
function loadReading() {
  return import('./import.validation.js');
}

async function* batches(rows: AsyncIterable<ImportRow>): AsyncGenerator<ImportRow[]> {
  let batch = new Map<string, ImportRow>();
  for await (const row of rows) {
    batch.set(row.key, row);
    if (batch.size < BATCH) continue;
    yield [...batch.values()];
    batch = new Map();
  }
  if (batch.size > 0) yield [...batch.values()];
}

function noCounts(): ImportCounts {
  const none = () => ({ made: 0, created: 0, existing: 0, skipped: 0, failed: 0, rolled_back: 0 });
  return { customers: none(), paymentMethods: none(), subscriptions: none() };
}

function totalsOf(counts: ImportCounts): ImportTotals {
  const of = (noun: ImportNoun) => ({ lines: Object.values(counts[noun]).reduce((sum, count) => sum + count, 0), prices: {}, priced: 0 });
  return { customers: of('customers'), paymentMethods: of('paymentMethods'), subscriptions: of('subscriptions') };
}
