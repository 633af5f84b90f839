import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { SESSION_SETTINGS } from '../../src/platform/db/session.js';
import type { ScratchDatabase } from './scratch-database.js';

/** Statements that may be refused: COM_QUERY, as the driver sends it. */
const REFUSABLE = { begin: packet(0, '\x03begin'), rollback: packet(0, '\x03rollback'), session: packet(0, `\x03${SESSION_SETTINGS}`) };
/** ERR 1105, ER_UNKNOWN_ERROR, as proxies before a server answer what they cannot pass on. */
const REFUSAL = packet(1, '\xff\x51\x04#HY000the server is away');

/** A packet of the server's protocol: three bytes of length, one of sequence, then what it says. */
function packet(sequence: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence]), Buffer.from(payload, 'latin1')]);
}

/** A way to a database server that can be cut and mended: for who connects through it, the server dies and comes back. */
export class SeverableDatabase implements ScratchDatabase {
  /** Which statements are answered with an error and kept from the server, which has no word of them. */
  refuses: keyof typeof REFUSABLE | null = null;
  /** How many were. */
  refused = 0;
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
        one.on('data', (chunk: Buffer) => {
          if (one === near && made.refuses !== null && chunk.equals(REFUSABLE[made.refuses])) made.refuse(near);
          else other.write(chunk);
        });
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

  private refuse(near: Socket): void {
    this.refused += 1;
    near.write(REFUSAL);
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
