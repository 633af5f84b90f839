import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { OPS } from '../support/prometheus.js';
import { Scrape } from '../support/scrape.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { SeverableDatabase } from '../support/severable.js';
import { World, type WorldOptions } from '../support/world.js';

const PATIENCE_MS = 2_100;
/** What Prometheus itself adds to every sample. */
const OF_PROMETHEUS = ['job', 'instance'];
const WORDS_OF_PROMQL = /^(sum|max|min|by|rate|increase|histogram_quantile|topk|and|or|unless|offset|absent|abs|time|up|vector)$/;

/** What a gateway with several servers and with replicas shows. The embedded database has none. */
const OF_SERVERS = ['billing_database_host_usable', 'host', 'billing_replica_usable', 'billing_replica_lag_seconds', 'replica'];
const isEmbedded = globalThis.TEST_DATABASE === 'embedded';

/** What a gateway shows that has just been started, and what it shows when much has happened. */
let fresh: Scrape;
let scrape: Scrape;
let world: World;

beforeAll(async () => {
  const scratch = await createScratchDatabase();
  world = await World.create(isEmbedded ? { scratch } : await withSeveralServers(scratch));
  fresh = await Scrape.from(world.url);
  const app = await world.app();
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
  await world.subscription(app, customer.id);
  await world.settle();
  const run = { tookMs: 1, succeeded: true, snapshotId: 'a', manifestDigest: 'b', rpoMs: null, rtoMs: null, reason: null } as const;
  for (const kind of ['full', 'logs', 'drill'] as const) await world.gateway.backups.add({ kind, ...run });
  // Scrapes that come close together share one look at the database.
  await sleep(PATIENCE_MS);
  await Scrape.from(world.url);
  scrape = await Scrape.from(world.url);
});
afterAll(() => world.close());

/** The database by two ways, and as its own replica. */
async function withSeveralServers(scratch: ScratchDatabase): Promise<WorldOptions> {
  const detour = await SeverableDatabase.before({ url: scratch.url, drop: async () => undefined });
  const url = scratch.url.replace(new URL(scratch.url).host, (host) => `${host},${new URL(detour.url).host}`);
  const drop = () => Promise.all([scratch.drop(), detour.drop()]).then(() => undefined);
  return { scratch: { url, drop }, replicas: { url: scratch.url } };
}

/** What is asked of Prometheus: where it stands, and the expression. */
async function expressions(): Promise<[string, string][]> {
  const rules = await readFile(path.join(OPS, 'prometheus/alerts.yml'), 'utf8');
  const ofRules = rules.split(/^\s*- alert: /m).slice(1);
  const found = ofRules.map((block): [string, string] => [block.split('\n')[0] ?? '', /expr: \|\n((?: {10}.*\n)+)/.exec(block)?.[1] ?? '']);
  const folder = path.join(OPS, 'grafana');
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
    const { panels } = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    for (const { title, targets = [] } of panels) found.push(...targets.map(({ expr }): [string, string] => [`${file}: ${title}`, expr]));
  }
  return found;
}

/** The metrics of an expression, and the labels it reads. */
function read(expression: string): { readonly metrics: readonly string[]; readonly labels: readonly string[] } {
  const selectors = [...expression.matchAll(/\{([^}]*)\}/g)].map(([, inside = '']) => inside);
  const groups = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inside = '']) => inside.split(/,\s*/));
  const labels = selectors.flatMap((inside) => [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label));
  const bare = expression.replace(/\{[^}]*\}|\bby \([^)]*\)|\[[^\]]*\]|offset \w+/g, ' ');
  const names = [...bare.matchAll(/[a-zA-Z_]\w*/g)].map(([name]) => name);
  return { metrics: names.filter((name) => !WORDS_OF_PROMQL.test(name)), labels: [...labels, ...groups] };
}

/** Every combination of labels that a selector names. */
function wanted(selector: string): Record<string, string>[] {
  const named = [...selector.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label = '', values = '']) => [label, values.split('|')] as const);
  return named.reduce<Record<string, string>[]>(
    (sofar, [label, values]) => sofar.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value }))),
    [{}],
  );
}

describe('the alert rules and dashboards', () => {
  it('read only metrics and labels that /metrics really shows', async () => {
    const all = await expressions();
    expect(all.length).toBeGreaterThan(50);
    const problems = all.flatMap(([place, expression]) => {
      const { metrics, labels } = read(expression);
      const samples = scrape.samples.filter(({ name }) => metrics.includes(name));
      const shown = new Set([...OF_PROMETHEUS, ...samples.flatMap((sample) => Object.keys(sample.labels))]);
      const noMetric = metrics.filter((name) => !samples.some((sample) => sample.name === name));
      const noLabel = labels.filter((label) => !shown.has(label));
      const isElsewhere = (name: string) => isEmbedded && OF_SERVERS.includes(name);
      return [...noMetric, ...noLabel].filter((name) => !isElsewhere(name)).map((name) => `${place}: ${name}`);
    });
    expect(problems).toEqual([]);
  });

  it('name label values that there are: a misspelt one would keep an alert quiet for ever', async () => {
    const values = new Set(scrape.samples.flatMap(({ labels }) => Object.values(labels)));
    const named = (await expressions()).flatMap(([place, expression]) =>
      [...expression.matchAll(/(\w+)(?:=~|!=|=)"([^"]*)"/g)]
        .filter(([, label]) => !OF_PROMETHEUS.includes(label ?? ''))
        .flatMap(([, , value = '']) => value.split('|').map((one): [string, string] => [place, one])),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(([, value]) => !values.has(value))).toEqual([]);
  });

  it('look for the rise of nothing but what a new process shows at 0: the first would be no rise else', async () => {
    const rules = (await expressions()).filter(([place]) => !place.includes('.json'));
    const rising = rules.flatMap(([place, expression]) =>
      [...expression.matchAll(/(?:increase|rate)\((\w+)(?:\{([^}]*)\})?\[/g)].map(([, name = '', selector = '']) => ({
        place,
        name,
        selector,
      })),
    );
    expect(rising.length).toBeGreaterThan(30);
    const missing = rising.flatMap(({ place, name, selector }) => wanted(selector).map((labels) => ({ place, name, labels })));
    expect(missing.filter(({ name, labels }) => fresh.value(name, labels) === null)).toEqual([]);
  });

  it('would be found out: a misspelt metric, label and function is seen', () => {
    expect(read('sum by (le) (rate(billing_x_bucket{route="/graphql"}[5m])) > 0.5')).toEqual({
      metrics: ['billing_x_bucket'],
      labels: ['route', 'le'],
    });
    expect(read('absent(billing_y) or max(up{job="b"} unless up offset 5m) > 1').metrics).toEqual(['billing_y']);
  });

  it('show what the launch checklist asks of a dashboard', async () => {
    const text = await readFile(path.join(OPS, 'grafana/billing-gateway.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { id: number; title: string }[] };
    const titles = panels.map(({ title }) => title).join('\n');
    for (const asked of ['Subscriptions by status', 'Payment volume', 'Top error types', 'Webhook lag', 'Failed calls to Tilled'])
      expect(titles).toContain(asked);
    for (const promise of ['Payments: burn', 'Webhooks: burn', 'API: burn', "What is left of 30 days' budgets"])
      expect(titles).toContain(promise);
    for (const window of ['[24h]', '[7d]', '[30d]']) expect(text).toContain(`billing_captured_minor_total${window}`);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});
