import { SMOKE_PREFIX } from '../billing/kit/metadata.js';
import { WATCHDOG } from './alert-names.js';
import { attestedOnly, type Check, type Finding, failed, notApplicable, ok, verdict } from './check.js';
import { type PreflightParts } from './parts.js';
import { WEBHOOK_LOAD_CHECK } from './phase-2-tilled.js';
import { firingAlerts, numberOf } from './prometheus.js';

const DAY_MS = 86_400_000;
const SMOKE_DAYS_MAX = 7;

/** The check that `billing smoke` fulfils. */
export const SMOKE_CHECK = 'smoke.passed';

/** Phase 5, migration of data; where there is none to bring, that is what is attested. */
export const MIGRATION_CHECKS: readonly Check[] = [
  attestedOnly(
    5,
    'migration.planned',
    'Write down mapping, validation rules and rollback (docs/import.md), or that there is nothing to import, and attest it.',
  ),
  attestedOnly(
    5,
    'migration.rehearsed',
    'Import a sample in staging with billing import --dry-run, then for real, then --verify; attest it.',
  ),
  attestedOnly(
    5,
    'migration.scheduled',
    'Agree on the window, take a backup (billing backup) and prepare billing import --verify; attest it.',
  ),
];

/** Phase 7, people. */
export const PEOPLE_CHECKS: readonly Check[] = [
  attestedOnly(
    7,
    'training.developers',
    'Walk through ops/runbooks/payment-failure.md, refunds, disputes and docs with the developers; attest who was there.',
  ),
  attestedOnly(
    7,
    'training.support',
    'Walk through ops/runbooks/support-lookup.md, refunds and escalation with support; attest who was there.',
  ),
];

/** Phase 8, the last tests. */
export const FINAL_CHECKS: readonly Check[] = [
  attestedOnly(8, 'tests.passed', 'Run .ci/run on the commit that goes live, and attest it with the commit and the totals.'),
  {
    id: SMOKE_CHECK,
    phase: 8,
    isAttestable: false,
    todo: 'Run: billing smoke --app TEST_APP (in production with --payment-method pm_…).',
    look: smoke,
  },
  WEBHOOK_LOAD_CHECK,
  attestedOnly(
    8,
    'load.limits',
    'In staging, set a small BILLING_REQUESTS_PER_WINDOW, exceed it, and see 429 with Retry-After and other apps served; attest it.',
  ),
];

/** Phase 9, the launch. */
export const LAUNCH_CHECKS: readonly Check[] = [
  attestedOnly(9, 'launch.told', 'Tell engineering, product, support and finance when and what; attest it.'),
  attestedOnly(9, 'launch.announced', 'Prepare the announcement: features, changes of the API, known limits; attest where it is.'),
  attestedOnly(
    9,
    'rollback.rehearsed',
    'Rehearse ops/runbooks/rollback.md in staging, and attest it with the location of the backup and the release to go back to.',
  ),
];

/** Phase 10, the first 48 hours. */
export const WATCH_CHECKS: readonly Check[] = [
  {
    id: 'watch.alerts',
    phase: 10,
    isAttestable: false,
    todo: 'Follow the runbook of each alert that fires (ops/runbooks).',
    look: async (parts) => {
      // One always fires, and says that the others would.
      const firing = (await firingAlerts(parts)).filter((name) => name !== WATCHDOG);
      return verdict(firing.length === 0, 'No alert fires.', `Firing: ${[...new Set(firing)].join(', ')}.`);
    },
  },
  {
    id: 'watch.first-payment',
    phase: 10,
    isAttestable: false,
    todo: 'Find out why: billing webhooks replay --dead; ops/runbooks/launch-48-hours.md.',
    look: firstPayment,
  },
  {
    id: 'watch.objectives',
    phase: 10,
    isAttestable: false,
    todo: 'Look at the dashboard, and follow ops/runbooks/launch-48-hours.md.',
    look: objectives,
  },
  {
    id: 'watch.retrospective',
    phase: 10,
    isAttestable: true,
    todo: 'After 48 hours: what happened, how long it took, what to improve; attest where it is written.',
    look: beforeLaunch,
  },
  {
    id: 'watch.runbooks-updated',
    phase: 10,
    isAttestable: true,
    todo: 'Put what was learned into runbooks and thresholds; attest the commit.',
    look: beforeLaunch,
  },
];

async function smoke({ attested, now }: PreflightParts): Promise<Finding> {
  const done = attested.get(SMOKE_CHECK);
  if (done === undefined) return failed('billing smoke never went through.');
  const days = Math.trunc((now().getTime() - done.attestedAt.getTime()) / DAY_MS);
  return verdict(days <= SMOKE_DAYS_MAX, `${done.note ?? ''} (${days} days ago)`, `The last good smoke test was ${days} days ago.`);
}

/** A payment of a real customer, and not of the smoke test. */
async function firstPayment({ database }: PreflightParts): Promise<Finding> {
  const [row] = await database.query(
    `select count(*) as n from billing_payments p left join billing_subscriptions s on s.app_id = p.app_id and s.id = p.subscription_id
      where p.status = 'SUCCEEDED' and (s.metadata is null or s.metadata not like '%${SMOKE_PREFIX}%')`,
    [],
  );
  const paid = Number(row?.n ?? 0);
  if (paid === 0) return notApplicable('Nothing was paid yet: not launched.');
  const [waiting] = await database.query("select count(*) as n from billing_webhooks where status in ('FAILED', 'DEAD')", []);
  return verdict(
    Number(waiting?.n ?? 0) === 0,
    `${paid} payments were taken, and no event failed.`,
    `${paid} payments were taken, but ${waiting?.n} events failed.`,
  );
}

/** Before the first payment of a customer there is nothing to look back at. */
async function beforeLaunch(parts: PreflightParts): Promise<Finding> {
  const { status, evidence } = await firstPayment(parts);
  return status === 'not_applicable' ? notApplicable(evidence) : failed('Launched, and not attested yet.');
}

/** The checklist's figures of the first day, over what Prometheus has of it. */
const OBJECTIVES = [
  {
    name: 'payments that succeed',
    unit: '',
    query:
      'sum(increase(billing_payments_total{state=~"SUCCEEDED|REQUIRES_CAPTURE"}[24h])) / sum(increase(billing_payments_total{state=~"FAILED|SUCCEEDED|REQUIRES_CAPTURE"}[24h]))',
    holds: (value: number) => value > 0.95,
  },
  {
    name: 'webhooks p95',
    unit: ' s',
    query: 'histogram_quantile(0.95, sum by (le) (rate(billing_webhook_handling_seconds_bucket[24h])))',
    holds: (value: number) => value < 2,
  },
  {
    name: 'API p95',
    unit: ' s',
    query: 'histogram_quantile(0.95, sum by (le) (rate(billing_http_request_seconds_bucket{route="/graphql"}[24h])))',
    holds: (value: number) => value < 0.5,
  },
];

async function objectives(parts: PreflightParts): Promise<Finding> {
  const launch = await firstPayment(parts);
  if (launch.status === 'not_applicable') return launch;
  const measured = await Promise.all(OBJECTIVES.map(async (one) => ({ ...one, value: await numberOf(parts, one.query) })));
  const known = measured.filter((one) => one.value !== null);
  if (known.length === 0) return notApplicable('Prometheus has counted nothing yet: not launched.');
  const told = known.map(({ name, value, unit }) => `${name} ${value?.toFixed(3)}${unit}`).join(', ');
  return known.every(({ value, holds }) => value !== null && holds(value)) ? ok(told) : failed(told);
}
