import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { ScratchDatabase } from './scratch-database.js';

/** A way to a database server that can be cut and mended: for who connects through it, the server dies and comes back. */
export class SeverableDatabase implements ScratchDatabase {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
    private readonly behind: ScratchDatabase,
  ) {}

  static async before(behind: ScratchDatabase): Promise<SeverableDatabase> {
    const { hostname, port } = new URL(behind.url);
    const server = createServer((near) => {
      const far = connect(Number(port || 3306), hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        made.sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const made = new SeverableDatabase(server, (server.address() as AddressInfo).port, behind);
    return made;
  }

  get url(): string {
    const url = new URL(this.behind.url);
    url.host = `127.0.0.1:${this.port}`;
    return url.toString();
  }

  /** Breaks every connection, and refuses new ones. */
  sever(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** Takes connections again. */
  async mend(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async drop(): Promise<void> {
    this.sever();
    await this.behind.drop();
  }
}
