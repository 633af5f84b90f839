/**
 * Which tests run when. Every test file is either in `npm test` or in `npm run test:long`; a tidy test compares them with the files there are. Some of
 * the first run in the second too, on a cluster.
 * Jest is told by BILLING_TEST_TIER; without it, or when files are named, it leaves none out.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

/** @typedef {'usual' | 'long' | 'fast' | 'named'} Tier `named`: whatever jest is told to run */

const project = join(import.meta.dirname, '../..');

/** What takes most of a minute or more: whole processes, real backups, minutes of time that must pass. */
const LONG = [
  'test/abuse/card-samples.test.ts',
  'test/abuse/portal-documents.test.ts',
  'test/contract/migrate-command.test.ts',
  'test/features/app-life.test.ts',
  'test/features/import-files.test.ts',
  'test/features/import.test.ts',
  'test/features/pairs.test.ts',
  'test/features/personal-data.test.ts',
  'test/scenarios/backup-interrupted.test.ts',
  'test/scenarios/backup-restore.test.ts',
  'test/scenarios/backup.galera.test.ts',
  'test/scenarios/client-crashes.test.ts',
  'test/scenarios/client-package.chromium.test.ts',
  'test/scenarios/clocks.test.ts',
  'test/scenarios/database-clock.test.ts',
  'test/scenarios/database-tls.test.ts',
  'test/scenarios/deliveries.test.ts',
  'test/scenarios/examples.chromium.test.ts',
  'test/scenarios/failover.test.ts',
  'test/scenarios/full-disk.test.ts',
  'test/scenarios/game-day.prometheus.test.ts',
  'test/scenarios/go-live.prometheus.test.ts',
  'test/scenarios/hosts.galera.test.ts',
  'test/scenarios/hosts.test.ts',
  'test/scenarios/lost-answers.test.ts',
  'test/scenarios/migration-kill.test.ts',
  'test/scenarios/migrations.galera.test.ts',
  'test/scenarios/neighbours-gone.redis.test.ts',
  'test/scenarios/operations.test.ts',
  'test/scenarios/pages.chromium.test.ts',
  'test/scenarios/partition.galera.test.ts',
  'test/scenarios/portal.chromium.test.ts',
  'test/scenarios/preflight.test.ts',
  'test/scenarios/process.test.ts',
  'test/scenarios/replicas.galera.test.ts',
  'test/scenarios/replicas.test.ts',
  'test/scenarios/rolling-restart.haproxy.test.ts',
  'test/scenarios/rolling.upgrade.test.ts',
  'test/scenarios/stopping.test.ts',
  'test/scenarios/webhook-convergence.test.ts',
  'test/scenarios/webhook-database-kill.test.ts',
  'test/scenarios/work.galera.test.ts',
  'test/scenarios/writers.galera.test.ts',
  'test/tidy/isolation-mutants.test.ts',
  'test/unit/backup-retention.test.ts',
  'test/unit/release.test.ts',
];

/** What is worth a look after every change, on the embedded database. Folders end with a slash. */
const FAST = [
  'test/abuse/admission.test.ts',
  'test/abuse/isolation.test.ts',
  'test/abuse/webhooks.test.ts',
  'test/contract/descriptions.test.ts',
  'test/contract/schema.test.ts',
  'test/features/customers.test.ts',
  'test/features/endings.test.ts',
  'test/features/idempotency.test.ts',
  'test/features/payment-methods.test.ts',
  'test/features/payments.test.ts',
  'test/features/refunds.test.ts',
  'test/features/subscriptions.test.ts',
  'test/features/unknown-outcomes.test.ts',
  'test/features/webhook-events.test.ts',
  'test/features/webhook-intake.test.ts',
  'test/sandbox/',
  'test/tidy/imports.test.ts',
  'test/tidy/tidy.test.ts',
  'test/unit/config.test.ts',
  'test/unit/ids.test.ts',
  'test/unit/money.test.ts',
];

/**
 * What `npm run test:long` runs on a cluster too: files that write, chosen so that every table is written and every mutation carried out
 * (support/unreached.mjs fails the run if one is not) and that what matters most is there: money, webhooks, jobs, who sees what.
 */
const ON_CLUSTER = [
  'test/abuse/isolation.test.ts',
  'test/abuse/webhooks.test.ts',
  'test/features/app-settings.test.ts',
  'test/features/customers.test.ts',
  'test/features/disputes.test.ts',
  'test/features/duplicates.test.ts',
  'test/features/events-order.test.ts',
  'test/features/giving-back.test.ts',
  'test/features/idempotency.test.ts',
  'test/features/import.test.ts',
  'test/features/past-due.test.ts',
  'test/features/payment-methods.test.ts',
  'test/features/payments.test.ts',
  'test/features/refunds.test.ts',
  'test/features/request-limit.test.ts',
  'test/features/secrets.test.ts',
  'test/features/sessions.test.ts',
  'test/features/subscriptions.test.ts',
  'test/features/unknown-outcomes.test.ts',
  'test/features/webhook-deliveries.test.ts',
  'test/features/webhook-endpoints.test.ts',
  'test/features/webhook-events.test.ts',
  'test/features/webhook-intake.test.ts',
  'test/features/webhook-receivers.test.ts',
  'test/scenarios/money-model.test.ts',
];

/**
 * Patterns for jest of the files that do not run on a cluster.
 * @param {string | undefined} tier a Tier
 */
export function leftOutOnCluster(tier) {
  return tier === 'named' ? [] : [`^(?!.*/(?:${patternOf(ON_CLUSTER)}))`];
}

/**
 * Patterns for jest of the files that are not of this tier.
 * @param {string | undefined} tier a Tier
 */
export function leftOutBy(tier) {
  if (tier === 'usual') return [`/(?:${patternOf(LONG)})`];
  if (tier === 'long') return [`^(?!.*/(?:${patternOf(LONG)}))`];
  if (tier === 'fast') return [`^(?!.*/(?:${patternOf(FAST)}))`];
  return [];
}

/**
 * Is one of these arguments for jest (part of) the name of test files? Then they run, whatever their tier.
 * @param {readonly string[]} args
 */
export function nameTestFiles(args) {
  const files = readdirSync(join(project, 'test'), { recursive: true, encoding: 'utf8' }).map(
    (file) => `test/${file.replaceAll(sep, '/')}`,
  );
  const names = args.filter((arg) => !arg.startsWith('-'));
  return names.some((name) => files.some((file) => file.endsWith('.test.ts') && file.includes(name)));
}

/**
 * Throws if one of them is not there any more: it would run elsewhere, unnoticed.
 * @param {readonly string[]} paths
 */
function patternOf(paths) {
  const gone = paths.filter((path) => !existsSync(join(project, path)));
  if (gone.length > 0) throw new Error(`test/support/tiers.mjs lists what does not exist: ${gone.join(', ')}`);
  return paths.map((path) => path.replaceAll('.', '\\.') + (path.endsWith('/') ? '' : '$')).join('|');
}
