import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort } from './processes.js';

/** Where the rules and dashboards are. */
export const OPS = path.resolve(import.meta.dirname, '../../ops');
const START_MS_MAX = 60_000;

/** The names of the alerts in a file of rules. */
export function alertNames(rules: string): string[] {
  return [...rules.matchAll(/^\s*- alert: (\S+)$/gm)].map(([, name = '']) => name);
}

/** The rules as they are, but that no alert waits (`for:` is taken out): what they would fire after minutes, they fire at once. */
export function impatient(rules: string): string {
  return rules.replace(/^\s*for: .*\n/gm, '');
}

/** A real Prometheus that looks every second, with our rules made impatient. */
export class Prometheus {
  /** Every alert that was seen firing. */
  readonly fired = new Set<string>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly url: string,
  ) {}

  /** Starts one that watches these addresses (host:port), by job, with a token and to an Alertmanager if given; `patient` rules are those of production. */
  static async start(
    targets: Readonly<Record<string, string>>,
    how: { readonly token?: string; readonly isPatient?: boolean; readonly alertmanagerPort?: number } = {},
  ): Promise<Prometheus> {
    const directory = await mkdtemp(path.join(tmpdir(), 'billing-prometheus-'));
    const rules = await readFile(path.join(OPS, 'prometheus/alerts.yml'), 'utf8');
    await writeFile(path.join(directory, 'alerts.yml'), how.isPatient ? rules : impatient(rules));
    await writeFile(path.join(directory, 'prometheus.yml'), await configuration(targets, how));
    await mkdir(path.join(directory, 'data'));
    const port = await freePort();
    const args = [`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`];
    const child = spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: 'ignore' });
    const made = new Prometheus(child, directory, `http://127.0.0.1:${port}`);
    await made.ready(Object.keys(targets).length);
    return made;
  }

  /** Waits until the alert was seen firing. Throws, with what did fire, if it takes longer than `ms`. */
  async waitFor(alert: string, ms: number): Promise<void> {
    for (const until = Date.now() + ms; Date.now() < until; await sleep(250)) {
      await this.look();
      if (this.fired.has(alert)) return;
    }
    throw new Error(`${alert} does not fire. Fired so far: ${[...this.fired].join(', ')}.`);
  }

  /** Remembers what fires now. */
  async look(): Promise<void> {
    for (const alert of await this.firing()) this.fired.add(alert);
  }

  private async firing(): Promise<string[]> {
    const answer = (await (await fetch(`${this.url}/api/v1/alerts`)).json()) as {
      data: { alerts: { labels: Record<string, string>; state: string }[] };
    };
    return answer.data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname'] ?? '');
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Until every target was seen, and that none was before has stopped alarming. */
  private async ready(targets: number): Promise<void> {
    for (const until = Date.now() + START_MS_MAX; Date.now() < until; await sleep(100)) {
      const up = await fetch(`${this.url}/api/v1/query?query=sum(up)`)
        .then((answer) => answer.json() as Promise<{ data: { result: { value: [number, string] }[] } }>)
        .catch(() => null);
      if (Number(up?.data.result[0]?.value[1]) === targets && !(await this.firing()).includes('GatewayDown')) return;
    }
    throw new Error('Prometheus did not start.');
  }
}

/** Our prometheus.yml with other targets, and looking every second. */
async function configuration(
  targets: Readonly<Record<string, string>>,
  { token, alertmanagerPort }: { readonly token?: string; readonly alertmanagerPort?: number },
): Promise<string> {
  const { global, rule_files, alerting } = parse(await readFile(path.join(OPS, 'prometheus/prometheus.yml'), 'utf8'));
  const alertmanagers = alertmanagerPort === undefined ? [] : [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }];
  const authorization = token === undefined ? {} : { authorization: { credentials: token } };
  return stringify({
    global: { ...global, scrape_interval: '1s', evaluation_interval: '1s', scrape_timeout: '1s' },
    rule_files,
    alerting: { ...alerting, alertmanagers },
    scrape_configs: Object.entries(targets).map(([job_name, target]) => ({
      job_name,
      ...authorization,
      static_configs: [{ targets: [target] }],
    })),
  });
}
