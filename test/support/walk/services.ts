import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Unit, variablesOf } from './units.js';

const STOP_MS_MAX = 30_000;

/** What systemd does for units: starts their commands as their users, in their directories, with their variables. They end with this process. */
export class Services {
  private readonly running = new Map<string, ChildProcess>();

  /** `programs` is where they find other programs, `logs` where what they say is kept. */
  constructor(
    private readonly programs: string,
    private readonly logs: string,
  ) {}

  /** The names of those that run now. */
  get names(): string[] {
    return [...this.running.keys()].toSorted();
  }

  /** The ids of the processes that run, by name. */
  get pids(): ReadonlyMap<string, number> {
    return new Map([...this.running].map(([name, child]) => [name, child.pid ?? 0]));
  }

  /** Starts one that does not run yet. A oneshot has ended when this resolves; throws what it said if it ended badly. */
  async start(unit: Unit): Promise<void> {
    if (this.running.has(unit.name)) return;
    for (const { path: directory, mode } of unit.directories) {
      await mkdir(directory, { recursive: true });
      execFileSync('chown', [`${unit.user}:`, directory]);
      execFileSync('chmod', [mode, directory]);
    }
    const child = await this.spawned(unit);
    if (!unit.isOneshot) {
      this.running.set(unit.name, child);
      child.once('exit', () => this.running.get(unit.name) === child && this.running.delete(unit.name));
      return;
    }
    const [status] = (await once(child, 'exit')) as [number | null];
    if (status !== 0) throw new Error(`${unit.name} ended with status ${status}:\n${await this.saidBy(unit.name)}`);
  }

  /** Stops one as its unit is stopped: SIGTERM, and SIGKILL if that took too long. */
  async stop(name: string): Promise<void> {
    const child = this.running.get(name);
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_MS_MAX, null, { ref: false })]);
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.values()].map((child) => (child.kill('SIGKILL') ? once(child, 'exit') : null)));
  }

  /** The last that a service said. */
  async saidBy(name: string): Promise<string> {
    return (await readFile(this.logOf(name), 'utf8').catch(() => '')).slice(-2_000);
  }

  private async spawned(unit: Unit): Promise<ChildProcess> {
    const fromFiles = await Promise.all(unit.environmentFiles.map(variablesOf));
    const env = Object.assign({ PATH: this.programs, USER: unit.user }, unit.environment, ...fromFiles) as Record<string, string>;
    const identity = unit.user === 'root' ? [] : [`--reuid=${unit.user}`, `--regid=${unit.user}`, '--init-groups'];
    const begin = ['-c', 'umask "$0"; exec /usr/bin/setpriv --pdeathsig KILL "$@"', unit.umask, ...identity, '--', ...unit.command];
    const log = openSync(this.logOf(unit.name), 'a');
    const child = spawn('/bin/sh', begin, { cwd: unit.workingDirectory, env, stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }

  private logOf(name: string): string {
    return path.join(this.logs, `${name}.log`);
  }
}
