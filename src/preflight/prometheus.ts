import { type PreflightParts, probe } from './parts.js';

interface Answer<Data> {
  readonly status: string;
  readonly data: Data;
}

/** A rule of Prometheus as its API shows it. */
export interface LoadedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** Every alerting rule that is loaded. */
export async function loadedAlerts(parts: PreflightParts): Promise<readonly LoadedRule[]> {
  const { groups } = await ask<{ groups: { rules: LoadedRule[] }[] }>(parts, '/api/v1/rules?type=alert');
  return groups.flatMap(({ rules }) => rules);
}

/** The targets of billing that are scraped, and how they are. */
export async function billingTargets(parts: PreflightParts): Promise<readonly { readonly job: string; readonly health: string }[]> {
  const { activeTargets } = await ask<{ activeTargets: { labels: Record<string, string>; health: string }[] }>(
    parts,
    '/api/v1/targets?state=active',
  );
  return activeTargets.map(({ labels, health }) => ({ job: labels['job'] ?? '', health })).filter(({ job }) => job.startsWith('billing'));
}

/** Names of the alerts that fire now. */
export async function firingAlerts(parts: PreflightParts): Promise<readonly string[]> {
  const { alerts } = await ask<{ alerts: { labels: Record<string, string>; state: string }[] }>(parts, '/api/v1/alerts');
  return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname'] ?? '');
}

/** The one number that a query gives; null where there is none, as where nothing was counted yet. */
export async function numberOf(parts: PreflightParts, query: string): Promise<number | null> {
  const { result } = await ask<{ result: { value: [number, string] }[] }>(parts, `/api/v1/query?query=${encodeURIComponent(query)}`);
  const number = Number(result[0]?.value[1] ?? Number.NaN);
  return Number.isNaN(number) ? null : number;
}

async function ask<Data>({ settings }: PreflightParts, path: string): Promise<Data> {
  if (settings.prometheusUrl === null) throw new Error('PROMETHEUS_URL is not set.');
  const { status, text } = await probe(settings.prometheusUrl + path);
  if (status !== 200) throw new Error(`Prometheus answers ${status}.`);
  const answer = JSON.parse(text) as Answer<Data>;
  if (answer.status !== 'success') throw new Error('Prometheus does not answer its API.');
  return answer.data;
}
