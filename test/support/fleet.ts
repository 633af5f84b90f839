import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Environment, inherited } from './processes.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const LINES_KEPT = 200;
const READY_MS_MAX = 60_000;

/** One process of ours that keeps running, with the newest of what it said. */
interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

/** Processes of ours on one database, which a test kills and starts again. What they log as errors is kept. */
export class Fleet {
  /** The newest lines that any of them printed. */
  readonly lines: string[] = [];
  private readonly members = new Map<string, Member>();

  constructor(private readonly environment: Environment) {}

  /** Starts the gateway's HTTP without a worker in it; resolves once it is ready to serve. */
  async startGateway(port: number, more: Environment = {}): Promise<void> {
    this.spawn('gateway', ['dist/src/main.js'], { PORT: String(port), BILLING_WORKER: 'off', ...more });
    const until = Date.now() + READY_MS_MAX;
    for (;;) {
      const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady) return;
      if (Date.now() > until || !this.isRunning('gateway')) throw new Error(`The gateway did not start: ${this.lines.join('\n')}`);
      await sleep(50);
    }
  }

  /** Starts `billing worker` under a name. */
  startWorker(name: string): void {
    this.spawn(name, ['dist/src/cli/billing.js', 'worker'], {});
  }

  isRunning(name: string): boolean {
    return this.members.get(name)?.child.exitCode === null && this.members.get(name)?.child.signalCode === null;
  }

  /** Ends one of them as a power cut would; resolves once it is gone. */
  async kill(name: string): Promise<void> {
    const member = this.members.get(name);
    member?.child.kill('SIGKILL');
    await member?.ended;
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    await Promise.all([...this.members.keys()].map((name) => this.kill(name)));
  }

  private spawn(name: string, [program = '', ...args]: readonly string[], more: Environment): void {
    const child = spawn(process.execPath, [path.join(PROJECT, program), ...args], {
      env: { ...inherited(), LOG_LEVEL: 'error', ...this.environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.members.set(name, { child, ended: once(child, 'close') });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.lines.push(...text.split('\n').filter((line) => line !== '' && !line.includes('ExperimentalWarning')));
        this.lines.splice(0, this.lines.length - LINES_KEPT);
      });
    }
  }
}
