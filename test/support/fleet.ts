import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Environment, inherited } from './processes.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
/** More than a scenario of minutes prints. */
const LINES_KEPT = 20_000;
const READY_MS_MAX = 60_000;

/** One process of ours that keeps running. */
interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

/** Processes of ours on one database, which a test kills, freezes and starts again. What they log as errors is kept. */
export class Fleet {
  /** The newest lines that any of them printed. */
  readonly lines: string[] = [];
  private readonly members = new Map<string, Member>();

  /** `root` is the folder whose dist/ they are started from. */
  constructor(
    private readonly environment: Environment,
    private readonly root = PROJECT,
  ) {}

  /** Starts the gateway's HTTP without a worker in it; resolves once it is ready to serve. */
  async startGateway(port: number, more: Environment = {}, name = 'gateway'): Promise<void> {
    this.spawn(name, ['dist/src/main.js'], { PORT: String(port), BILLING_WORKER: 'off', ...more });
    const until = Date.now() + READY_MS_MAX;
    for (;;) {
      const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady) return;
      if (Date.now() > until || !this.isRunning(name)) throw new Error(`The gateway did not start: ${this.lines.join('\n')}`);
      await sleep(50);
    }
  }

  /** Starts `billing worker` under a name. */
  startWorker(name: string, more: Environment = {}): void {
    this.startCommand(name, ['worker'], more);
  }

  /** Starts any command of `billing` under a name. */
  startCommand(name: string, args: readonly string[], more: Environment = {}): void {
    this.spawn(name, ['dist/src/cli/billing.js', ...args], more);
  }

  /** The status with which one of them ended, once it has; null if by a signal. */
  async statusOf(name: string): Promise<number | null> {
    const member = this.members.get(name);
    await member?.ended;
    return member?.child.exitCode ?? null;
  }

  isRunning(name: string): boolean {
    return this.members.get(name)?.child.exitCode === null && this.members.get(name)?.child.signalCode === null;
  }

  /** Asks one of them to end as an operator does; resolves to the status with which it has. */
  end(name: string): Promise<number | null> {
    this.members.get(name)?.child.kill('SIGTERM');
    return this.statusOf(name);
  }

  /** Ends one of them as a power cut would; resolves once it is gone. */
  async kill(name: string): Promise<void> {
    const member = this.members.get(name);
    member?.child.kill('SIGKILL');
    await member?.ended;
  }

  /** Stops one of them where it is, as a machine that swaps or is moved does; its connections stay open. */
  freeze(name: string): void {
    this.members.get(name)?.child.kill('SIGSTOP');
  }

  /** Lets a frozen one go on as if nothing had been. */
  thaw(name: string): void {
    this.members.get(name)?.child.kill('SIGCONT');
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    await Promise.all([...this.members.keys()].map((name) => this.kill(name)));
  }

  private spawn(name: string, [program = '', ...args]: readonly string[], more: Environment): void {
    const child = spawn(process.execPath, [path.join(this.root, program), ...args], {
      env: { ...inherited(), LOG_LEVEL: 'error', ...this.environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.members.set(name, { child, ended: once(child, 'close') });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (line !== '' && !line.includes('ExperimentalWarning')) this.lines.push(line);
        if (this.lines.length > LINES_KEPT) this.lines.shift();
      });
    }
  }
}
