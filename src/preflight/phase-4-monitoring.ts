import { setTimeout as sleep } from 'node:timers/promises';
import { logLine } from '../platform/log.js';
import { ALERTS } from './alert-names.js';
import { attestedOnly, type Check, type Finding, failed, ok, verdict } from './check.js';
import { type PreflightParts, probe, publicUrlOf } from './parts.js';
import { billingTargets, loadedAlerts } from './prometheus.js';

/** Phase 4, monitoring. */
export const MONITORING_CHECKS: readonly Check[] = [
  {
    id: 'logs.redacted',
    phase: 4,
    isAttestable: false,
    todo: 'A log line let a secret through: stop, and look at redact() in src/platform/log.ts.',
    look: async () => redaction(),
  },
  {
    id: 'logs.kept',
    phase: 4,
    isAttestable: true,
    todo: 'Set BILLING_LOG_DIR (files of a day, kept BILLING_LOG_KEPT_DAYS, at least 7), or attest where the log collector keeps stdout.',
    look: async ({ config: { logFiles } }) =>
      logFiles === null ? failed('The log goes to stdout only.') : ok(`A file a day, kept ${logFiles.keptDays} days.`),
  },
  {
    id: 'metrics.guarded',
    phase: 4,
    isAttestable: false,
    todo: 'Set BILLING_METRICS_TOKEN (openssl rand -hex 32), and give it to Prometheus as credentials_file.',
    look: metrics,
  },
  {
    id: 'alerts.loaded',
    phase: 4,
    isAttestable: false,
    todo: 'Set PROMETHEUS_URL here, and have that Prometheus load ops/prometheus/alerts.yml (rule_files).',
    look: (parts) => onceSeen(() => alerts(parts)),
  },
  {
    id: 'alerts.targets',
    phase: 4,
    isAttestable: false,
    todo: 'Have Prometheus scrape every gateway (job billing-gateway) and worker (job billing-worker): ops/prometheus/prometheus.yml.',
    look: (parts) => onceSeen(() => targets(parts)),
  },
  attestedOnly(4, 'alerts.reach-people', 'Let one alert fire and reach the people on call (Alertmanager), and attest it.'),
  attestedOnly(4, 'dashboard.imported', 'Import ops/grafana/billing-gateway.json into Grafana, look at it, and attest where it is.'),
];

/** Scraped and evaluated every 15 s by ops/prometheus/prometheus.yml, and some seconds for the answers. */
const LOOKED_MS = 20_000;
const LOOK_AGAIN_MS = 1_000;

/** What must never be in a log; made up, and built here so that it is nowhere else. */
const CANARIES: Readonly<Record<string, string>> = {
  card_number: ['4111', '1111', '1111', '1111'].join(''),
  cvv: '737-canary',
  authorization: `Bearer ${['sk', 'canary00canary00'].join('_')}`,
  note: `the card is ${['5555', '5555', '5555', '4444'].join(' ')}`,
  text: `key ${['whsec', 'canary00canary00'].join('_')}`,
};

function redaction(): Finding {
  const line = logLine('preflight canary', { ...CANARIES, nested: { deeper: [CANARIES] } });
  const leaked = /4111|5555|4444|737|canary00/.test(line);
  return verdict(
    line.includes('preflight canary') && !leaked,
    `${Object.keys(CANARIES).length} secrets were logged, twice each, and none is in the line.`,
    'A secret is in the log line.',
  );
}

async function metrics(parts: PreflightParts): Promise<Finding> {
  const { config } = parts;
  const url = `${publicUrlOf(parts)}/metrics`;
  const bare = await probe(url);
  if (bare.status === 200) return failed('Everybody may read /metrics.');
  if (typeof config.metricsAccess === 'string') return failed('Nobody may read /metrics: BILLING_METRICS_TOKEN is not set.');
  const { status, text } = await probe(url, { headers: { authorization: `Bearer ${config.metricsAccess.token}` } });
  const isThere = status === 200 && text.includes('billing_webhook_deliveries_total');
  return verdict(
    isThere,
    `/metrics answers ${bare.status} without the token, and with it the metrics.`,
    `/metrics answers ${status} to the token.`,
  );
}

/** What it does not see as it should Prometheus may not have looked at since it was started: it does every 15 s. */
async function onceSeen(look: () => Promise<Finding>): Promise<Finding> {
  for (const end = performance.now() + LOOKED_MS; ; await sleep(LOOK_AGAIN_MS)) {
    const found = await look();
    if (found.status === 'ok' || performance.now() > end) return found;
  }
}

async function alerts(parts: PreflightParts): Promise<Finding> {
  const loaded = await loadedAlerts(parts);
  const missing = ALERTS.filter((name) => !loaded.some((rule) => rule.name === name));
  const ill = loaded
    .filter(({ name, health }) => ALERTS.includes(name) && health !== 'ok')
    .map(({ name, health }) => `${name} is ${health}`);
  if (missing.length > 0) return failed(`Not loaded: ${missing.slice(0, 5).join(', ')} (${missing.length} of ${ALERTS.length}).`);
  return verdict(ill.length === 0, `All ${ALERTS.length} alerts are loaded and evaluated.`, ill.slice(0, 5).join(', '));
}

async function targets(parts: PreflightParts): Promise<Finding> {
  const found = await billingTargets(parts);
  const down = found.filter(({ health }) => health !== 'up').map(({ job }) => job);
  if (!found.some(({ job }) => job === 'billing-gateway')) return failed('No gateway is scraped.');
  return verdict(down.length === 0, `${found.length} processes are scraped, and up.`, `Down: ${down.join(', ')}.`);
}
