import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { type Environment, freePort, RunningProcess, runningGateway } from './processes.js';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples');

/** What `npm start` started, with examples beside it. */
export class ExampleStage {
  private readonly examples: RunningProcess[] = [];

  private constructor(
    readonly directory: string,
    /** What demo.env says. */
    readonly demo: Environment,
    private readonly gateway: RunningProcess,
  ) {}

  /** Starts the gateway on an empty data directory. */
  static async create(): Promise<ExampleStage> {
    const directory = await mkdtemp(path.join(tmpdir(), 'bg_example_'));
    const ports = { PORT: String(await freePort()), TILLED_SANDBOX_PORT: String(await freePort()) };
    const gateway = await runningGateway({ ...ports, BILLING_DATA_DIR: directory });
    const demo = parseEnv(await readFile(path.join(directory, 'demo.env'), 'utf8')) as Environment;
    return new ExampleStage(directory, demo, gateway);
  }

  /** Starts an example as its script in package.json does; resolves with its process and where it is. */
  async start(name: string, more: Environment = {}): Promise<{ url: string; process: RunningProcess }> {
    const port = more['PORT'] ?? String(await freePort());
    const args = ['--no-warnings', `--env-file=${path.join(this.directory, 'demo.env')}`, path.join(EXAMPLES, name, 'server.ts')];
    const environment = { PORT: port, BILLING_DATA_DIR: this.directory, ...more };
    const started = await RunningProcess.start(args, environment, `http://127.0.0.1:${port}`);
    this.examples.push(started);
    return { url: `http://127.0.0.1:${port}`, process: started };
  }

  /** A card at Tilled, as its hosted fields make one. */
  async newCard(number = '4111111111111111'): Promise<string> {
    const { TILLED_BASE_URL, TILLED_SECRET_KEY = '', TILLED_ACCOUNT_ID = '' } = this.demo;
    const card = { number, exp_month: 12, exp_year: 2031, cvc: '123' };
    const billing = { name: 'Ann Lee', address: { zip: '12345', country: 'US' } };
    const made = await fetch(`${TILLED_BASE_URL}/v1/payment-methods`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tilled-api-key': TILLED_SECRET_KEY, 'tilled-account': TILLED_ACCOUNT_ID },
      body: JSON.stringify({ type: 'card', card, billing_details: billing }),
    });
    return ((await made.json()) as { id: string }).id;
  }

  async close(): Promise<void> {
    for (const started of [...this.examples, this.gateway]) await started.end('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}
