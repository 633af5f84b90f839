import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Variables for a process of ours; of our own environment only what `inherited` names reaches it. */
export type Environment = Readonly<Record<string, string>>;

/** How a program ended, and what it said. */
export interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** Runs `billing` with these arguments to its end, for at most `msMax`, through the program that npm installs. */
export function billing(args: readonly string[], environment: Environment, msMax = RUN_MS_MAX): Promise<Ending> {
  return endOf(start([BILLING, ...args], environment), msMax);
}

/** Starts a command of `billing` that runs until it is told to end; resolves once it has printed `words`. */
export function runningBilling(args: readonly string[], environment: Environment, words: string): Promise<RunningProcess> {
  return RunningProcess.start([BILLING, ...args], environment, words);
}

/** Starts the gateway from dist/; resolves once it says that it runs. */
export function runningGateway(environment: Environment): Promise<RunningProcess> {
  return RunningProcess.start(MAIN, environment, environment['NODE_ENV'] === 'production' ? '"gateway started"' : "-d '{");
}

/** Starts the gateway from dist/ and lets it run to its own end, for starts that fail. */
export function gatewayThatEnds(environment: Environment): Promise<Ending> {
  return endOf(start(MAIN, environment));
}

const BILLING = path.join(PROJECT, 'bin', 'billing.mjs');
const MAIN = [path.join(PROJECT, 'dist', 'src', 'main.js')];
const RUN_MS_MAX = 60_000;

/** A process of ours that runs until it is told to end. */
export class RunningProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ended: Promise<Ending>,
    /** What it printed until it ran. */
    readonly words: string,
  ) {}

  /** Starts a program; resolves once it has printed `words`. */
  static async start(args: readonly string[], environment: Environment, words: string): Promise<RunningProcess> {
    const child = start(args, environment);
    const ended = ending(child);
    let said = '';
    const ready = new Promise<string>((resolve) => {
      child.stdout?.on('data', (text: string) => {
        said += text;
        if (said.includes(words)) resolve(said);
      });
    });
    const outcome = await Promise.race([ready, ended, sleep(RUN_MS_MAX, null, { ref: false })]);
    if (typeof outcome === 'string') return new RunningProcess(child, ended, outcome);
    child.kill('SIGKILL');
    throw new Error(`It did not start: ${JSON.stringify(outcome ?? said)}`);
  }

  /** Waits for its own end. */
  finish(): Promise<Ending> {
    return this.ended;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<Ending> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** What of our environment reaches every process of ours: where programs, temporary files and compiled code are. */
export function inherited(): Environment {
  const { PATH = '', TMPDIR = '', NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, TMPDIR, NODE_COMPILE_CACHE };
}

/**
 * A port nobody listens on. It lies below those that systems give to whoever wants any, for a connection too, and in a range of this
 * worker's own: so nobody is given it before it is used.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_OF_A_WORKER; tries += 1) {
    lastPort = (lastPort + 1) % PORTS_OF_A_WORKER;
    const port = FIRST_PORT + (Number(process.env['JEST_WORKER_ID'] ?? 0) % WORKERS_MAX) * PORTS_OF_A_WORKER + lastPort;
    if (await isFree(port)) return port;
  }
  throw new Error('There is no free port.');
}

const FIRST_PORT = 12_000;
const PORTS_OF_A_WORKER = 500;
const WORKERS_MAX = 40;
/** Another run on this machine begins elsewhere. */
let lastPort = randomInt(PORTS_OF_A_WORKER);

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  const isListening = once(probe, 'listening').then(
    () => true,
    () => false,
  );
  probe.listen(port, '127.0.0.1');
  const isUnused = await isListening;
  if (isUnused) await once(probe.close(), 'close');
  return isUnused;
}

function start(args: readonly string[], environment: Environment): ChildProcess {
  const child = spawn(process.execPath, args, { env: { ...inherited(), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.setEncoding('utf8');
  child.stderr?.setEncoding('utf8');
  return child;
}

/** How a program ends by itself; one that does not is killed. */
async function endOf(child: ChildProcess, msMax = RUN_MS_MAX): Promise<Ending> {
  const tooLong = setTimeout(() => child.kill('SIGKILL'), msMax);
  const end = await ending(child);
  clearTimeout(tooLong);
  return end;
}

async function ending(child: ChildProcess): Promise<Ending> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}
