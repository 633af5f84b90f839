import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './processes.js';
import { OPS } from './prometheus.js';

/** The addresses of receivers in our configuration that operators replace. */
export const EXAMPLE_RECEIVERS = 'http://127.0.0.1:9095';
const START_MS_MAX = 30_000;

/** One alert as a receiver is told of it. */
export interface Message {
  readonly receiver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A real Alertmanager with our configuration, made impatient, and the receivers that it tells. */
export class Alertmanager {
  /** Every alert that a receiver was told of. */
  readonly heard: Message[] = [];

  private constructor(
    private readonly receivers: Server,
    private readonly directory: string,
    readonly port: number,
  ) {}

  private child: ChildProcess | undefined;

  static async start(): Promise<Alertmanager> {
    const receivers = createServer().listen(0, '127.0.0.1');
    await once(receivers, 'listening');
    const made = new Alertmanager(receivers, await mkdtemp(path.join(tmpdir(), 'billing-alertmanager-')), await freePort());
    receivers.on('request', async (request, reply) => {
      const { alerts } = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8')) as { alerts: Omit<Message, 'receiver'>[] };
      made.heard.push(...alerts.map((alert) => ({ ...alert, receiver: request.url?.slice(1) ?? '' })));
      reply.end();
    });
    await made.run();
    return made;
  }

  /** The names of the alerts that a receiver was told of. */
  heardBy(receiver: string): Set<string> {
    return new Set(this.heard.filter((message) => message.receiver === receiver).map(({ labels }) => labels['alertname'] ?? ''));
  }

  async close(): Promise<void> {
    const ended = this.child === undefined ? Promise.resolve() : once(this.child, 'exit');
    this.child?.kill('SIGKILL');
    await ended;
    this.receivers.closeAllConnections();
    this.receivers.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  private async run(): Promise<void> {
    const { port } = this.receivers.address() as AddressInfo;
    const ours = await readFile(path.join(OPS, 'alertmanager/alertmanager.yml'), 'utf8');
    const impatient = ours.replaceAll(EXAMPLE_RECEIVERS, `http://127.0.0.1:${port}`).replace(/(group_wait|group_interval): \w+/g, '$1: 1s');
    await writeFile(path.join(this.directory, 'alertmanager.yml'), impatient);
    const paths = [`--config.file=${this.directory}/alertmanager.yml`, `--storage.path=${this.directory}/data`];
    const args = [...paths, `--web.listen-address=127.0.0.1:${this.port}`, '--cluster.listen-address=', '--log.level=error'];
    this.child = spawn('prometheus-alertmanager', args, { stdio: 'ignore' });
    const isReady = () =>
      fetch(`http://127.0.0.1:${this.port}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    for (const until = Date.now() + START_MS_MAX; !(await isReady()); await sleep(100))
      if (Date.now() > until) throw new Error('Alertmanager did not start.');
  }
}
