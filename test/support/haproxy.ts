import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './processes.js';

const SHIPPED = path.resolve(import.meta.dirname, '../../ops/haproxy/haproxy.cfg');
const READY_MS_MAX = 20_000;

/** The configuration that this repository ships, as it is but for its addresses. */
export async function shippedConfig(addresses: Readonly<Record<string, string>> = {}): Promise<string> {
  const shipped = await readFile(SHIPPED, 'utf8');
  return Object.entries(addresses).reduce((config, [from, to]) => {
    if (!config.includes(from)) throw new Error(`${SHIPPED} has no ${from}.`);
    return config.replaceAll(from, to);
  }, shipped);
}

/** What HAProxy says of a configuration; empty when it takes it without a word. */
export function complaintsOf(file: string): string {
  const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-q', '-f', file], { encoding: 'utf8' });
  return status === 0 ? stdout + stderr : `${status}: ${stdout}${stderr}`;
}

/** HAProxy as it is shipped, before two gateways on these ports. */
export class HaProxy {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    /** Where clients come to. */
    readonly url: string,
  ) {}

  /** Resolves once it lets requests through. */
  static async before([first, second]: readonly [number, number]): Promise<HaProxy> {
    const port = await freePort();
    const directory = await mkdtemp(path.join(tmpdir(), 'bg_haproxy_'));
    const file = path.join(directory, 'haproxy.cfg');
    const [front, one, other] = [`127.0.0.1:${port}`, `127.0.0.1:${first}`, `127.0.0.1:${second}`];
    await writeFile(file, await shippedConfig({ '127.0.0.1:8080': front, '127.0.0.1:4000': one, '127.0.0.1:4001': other }));
    const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
    const proxy = new HaProxy(child, directory, `http://${front}`);
    for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += 100) {
      if (
        await fetch(`${proxy.url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return proxy;
      await sleep(100);
    }
    await proxy.close();
    throw new Error('HAProxy lets nothing through.');
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}
