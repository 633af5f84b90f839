import type { Phase } from './check.js';

/** One checkbox of the launch checklist, and what fulfils it: ids of checks, or paths of files (with a `/`). */
export interface ChecklistEntry {
  readonly phase: Phase;
  readonly section: string;
  readonly text: string;
  readonly fulfilledBy: readonly string[];
}

const entry =
  (phase: Phase, section: string) =>
  (text: string, ...fulfilledBy: string[]): ChecklistEntry => ({ phase, section, text, fulfilledBy });

const database = entry(1, 'Database');
const backups = entry(1, 'Backups');
const access = entry(1, 'Access control');
const account = entry(2, 'Account');
const webhooks = entry(2, 'Webhooks');
const transactions = entry(2, 'Test transactions');
const environment = entry(3, 'Environment variables');
const routes = entry(3, 'Routes');
const guards = entry(3, 'Guards on the way in');
const logs = entry(4, 'Logs');
const metrics = entry(4, 'Metrics');
const alerts = entry(4, 'Alerts');
const dashboards = entry(4, 'Dashboards');
const migration = entry(5, 'Existing customers');
const isolation = entry(6, 'Isolation of apps');
const pci = entry(6, 'PCI DSS');
const scan = entry(6, 'Vulnerabilities');
const training = entry(7, 'Training');
const runbooks = entry(7, 'Runbooks');
const suite = entry(8, 'Automated tests');
const smoke = entry(8, 'Smoke tests in production');
const load = entry(8, 'Load');
const communication = entry(9, 'Communication');
const rollback = entry(9, 'Rollback');
const hourOne = entry(10, 'Hour 1');
const day = entry(10, 'Hour 24');
const twoDays = entry(10, 'Hour 48');

/** The launch checklist, in its order and our words. docs/checklist.md is written from it. */
export const CHECKLIST: readonly ChecklistEntry[] = [
  database("A billing database of its own, apart from the main application's", 'database.separate', 'docs/operations.md'),
  database("DATABASE_URL_BILLING is set, with a pool apart from the main database's", 'database.pool', 'environment.production'),
  database('The schema can only be the one in this repository: migrations applied, no drift', 'database.migrated', 'migrations/schema.sql'),
  backups(
    'Backups every 6 hours: 7 days to the second, 30 daily, 12 monthly',
    'backups.recent',
    'backups.point-in-time',
    'docs/backups.md',
  ),
  backups("A first backup before any customer's data, shown to be restorable", 'backups.before-customers', 'backups.restored'),
  access(
    'Only the service writes; reports have a read-only user; no developer has direct access',
    'database.grants',
    'database.readonly',
    'database.people',
    'database.tls',
  ),
  access(
    "Tilled's keys are in a secret manager, production's apart from the sandbox's, the webhook secret too",
    'secrets.managed',
    'secrets.files',
    'secrets.encryption',
  ),
  account('The production account is active and connected, with cards, ACH and EFT', 'tilled.account', 'tilled.payment-methods'),
  account('Public key, secret key and webhook secret of production are in use', 'tilled.production', 'environment.production'),
  webhooks('The endpoint is registered at Tilled for every event that does something here', 'webhooks.registered', 'service.https'),
  webhooks(
    'Signatures are verified: a signed event is recorded, a duplicate is recorded once, a forged one is refused',
    'webhooks.signed',
    'webhooks.duplicate',
    'webhooks.forged',
    'tilled.clock',
  ),
  transactions(
    'Customer, card, subscription, payment, webhook, cancellation and refund, end to end in the sandbox',
    'test/scenarios/sandbox-end-to-end-flow.test.ts',
    'smoke.passed',
  ),
  environment(
    'Every variable that production needs is set, NODE_ENV=production among them',
    'environment.production',
    'docs/operations.md',
  ),
  routes(
    'The webhook route gets the bytes that were signed, before anything parses them',
    'webhooks.signed',
    'service.ready',
    'test/abuse/webhooks.test.ts',
  ),
  guards('Every request but webhooks names its app by its credential', 'service.guarded', 'docs/access.md', 'test/abuse/isolation.test.ts'),
  guards('Card and bank data are refused with 400', 'pci.refused', 'test/abuse/card-data.test.ts', 'ops/runbooks/card-data-refused.md'),
  guards(
    'Limits: failed authentications, requests of an app, webhooks, size',
    'limits.configured',
    'limits.requests',
    'limits.size',
    'docs/limits.md',
  ),
  logs(
    'Structured logs with app and object ids, without secrets, kept 7 days or more',
    'logs.redacted',
    'logs.kept',
    'test/unit/log.test.ts',
  ),
  metrics(
    "Subscription success, payment latency, webhook time, Tilled's errors and slow queries are measured",
    'metrics.guarded',
    'docs/metrics.md',
  ),
  alerts(
    'Signature failures, payment failures, divergence, database errors, refund failures and disputes alarm somebody',
    'alerts.loaded',
    'alerts.targets',
    'alerts.reach-people',
    'ops/prometheus/alerts.yml',
  ),
  dashboards(
    'A dashboard shows subscriptions, volume, errors, webhook lag and failed calls to Tilled',
    'dashboard.imported',
    'ops/grafana/billing-gateway.json',
  ),
  migration('A plan: mapping, validation rules and rollback', 'migration.planned', 'docs/import.md'),
  migration("A migration in staging, with relationships and Tilled's customers intact", 'migration.rehearsed'),
  migration('The migration of production: window, backup, tested script, verification', 'migration.scheduled', 'backups.recent'),
  isolation(
    'Every statement is confined to one app, and the unique keys of events, disputes and refunds hold',
    'tenancy.enforced',
    'test/abuse/isolation.test.ts',
    'test/contract/tenancy-check.test.ts',
  ),
  pci('No card data is stored: masked digits, brand and expiry at most', 'pci.no-card-data', 'pci.refused', 'test/unit/card-data.test.ts'),
  scan(
    'Known vulnerabilities are fixed in what goes live: tenants, races, webhooks, dependencies',
    'security.reviewed',
    'test/tidy/isolation-mutants.test.ts',
    'test/abuse/attacks.test.ts',
  ),
  training(
    "Developers: payment methods, failures, refunds and disputes, when to look at Tilled's dashboard",
    'training.developers',
    'ops/runbooks/payment-failure.md',
  ),
  training(
    'Support: finding a customer, failed payments, refunds, escalation of disputes',
    'training.support',
    'ops/runbooks/support-lookup.md',
  ),
  runbooks("Payment failure: events, subscription, Tilled's codes, what to tell the customer", 'ops/runbooks/payment-failure.md'),
  runbooks(
    "Cancellation: at once or at the period's end, refund decision tree, data retention",
    'ops/runbooks/subscription-cancellation.md',
  ),
  runbooks('Tilled and we differ: divergence_risk, reconciling by hand, when to call Tilled', 'ops/runbooks/tilled-sync-failure.md'),
  runbooks(
    "Disaster recovery: restoring (rehearsed) and replaying Tilled's events",
    'ops/runbooks/disaster-recovery.md',
    'ops/runbooks/webhook-replay.md',
    'backups.restored',
  ),
  suite('All tests pass', 'tests.passed'),
  smoke('A test customer in production, at Tilled and in the database', 'smoke.passed'),
  smoke('A test payment method, which becomes the default', 'smoke.passed'),
  smoke('A subscription of 0.01: charged, heard of by webhook, canceled, and that heard of too', 'smoke.passed'),
  smoke('The same Idempotency-Key gets the stored answer, and there is one record', 'smoke.passed', 'test/features/idempotency.test.ts'),
  load('Ten duplicate webhooks at once: one processed, nine duplicates', 'load.webhooks'),
  load(
    'Request limits trigger, and what is within them is served',
    'load.limits',
    'limits.requests',
    'test/features/request-limit.test.ts',
  ),
  communication('Engineering, product, support and finance know', 'launch.told'),
  communication('The announcement: features, changes of the API, known limits', 'launch.announced', 'CHANGELOG.md', 'docs/known-limits.md'),
  rollback(
    'The way back: where the backup is, which release, how to disable the endpoint, what customers notice',
    'rollback.rehearsed',
    'ops/runbooks/rollback.md',
  ),
  rollback('When to go back: over 15 % failed payments, broken data, Tilled away, a critical fault', 'ops/runbooks/rollback.md'),
  hourOne(
    'No unexpected errors, every webhook processed, no failed calls to Tilled',
    'watch.alerts',
    'books.events',
    'books.jobs',
    'ops/runbooks/launch-48-hours.md',
  ),
  hourOne("The first customer's subscription, payment and webhook", 'watch.first-payment'),
  day(
    'Over 95 % of payments succeed, webhooks under 2 s and API under 500 ms at p95, no critical alert',
    'watch.objectives',
    'watch.alerts',
  ),
  twoDays('Retrospective: issues, times to resolve, improvements', 'watch.retrospective'),
  twoDays('Runbooks, common issues and thresholds are brought up to date', 'watch.runbooks-updated'),
];

/** Checks beyond the checklist: what else its success criteria and ours need. */
export const BEYOND: Readonly<Record<string, string>> = {
  'database.settings': 'the server gives connections what the code relies on',
  'database.durable': 'what the server confirmed survives a power cut',
  'books.invariants': 'the books hold what they must',
  'books.divergences': "our books and Tilled's do not differ",
  'books.unknown': 'no outcome is unknown for long',
};

/** What the checklist calls success, by what shows it. */
export const SUCCESS: readonly Omit<ChecklistEntry, 'phase' | 'section'>[] = [
  { text: 'Phases 1 to 9 are complete', fulfilledBy: ['docs/operations.md', 'docs/preflight.md'] },
  { text: 'All automated tests pass', fulfilledBy: ['tests.passed'] },
  { text: 'No security vulnerabilities', fulfilledBy: ['security.reviewed', 'tenancy.enforced'] },
  { text: 'The production endpoint receives and processes events', fulfilledBy: ['webhooks.signed', 'smoke.passed'] },
  { text: 'The team is trained', fulfilledBy: ['training.developers', 'training.support'] },
  { text: 'Monitoring and alerting are configured', fulfilledBy: ['alerts.loaded', 'alerts.targets', 'alerts.reach-people'] },
  { text: 'The rollback plan is tested', fulfilledBy: ['rollback.rehearsed'] },
  { text: 'Over 95 % success in the first 24 hours', fulfilledBy: ['watch.objectives'] },
];
