import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { CLUSTER_SETTINGS, SESSION_SETTINGS } from '../../src/platform/db/session.js';
import type { ScratchDatabase } from './scratch-database.js';

/** Statements that are told apart: COM_QUERY, as the driver sends it. */
const TOLD_APART = {
  begin: packet(0, '\x03begin'),
  commit: packet(0, '\x03commit'),
  rollback: packet(0, '\x03rollback'),
  session: packet(0, `\x03${SESSION_SETTINGS}`),
  cluster: packet(0, `\x03${CLUSTER_SETTINGS}`),
};
/** ER_UNKNOWN_ERROR, as proxies before a server answer what they cannot pass on. */
export const AWAY = 1105;
/** What begins a statement: COM_QUERY, COM_STMT_PREPARE, COM_STMT_EXECUTE. */
const COMMANDS = [0x03, 0x16, 0x17];

/** An ERR packet, as the answer to a command. */
function errorPacket(errno: number): Buffer {
  return packet(1, `\xff${String.fromCharCode(errno & 0xff, errno >> 8)}#HY000the server is away`);
}

/** A packet of the server's protocol: three bytes of length, one of sequence, then what it says. */
function packet(sequence: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence]), Buffer.from(payload, 'latin1')]);
}

/** A way to a database server that can be cut and mended: for who connects through it, the server dies and comes back. */
export class SeverableDatabase implements ScratchDatabase {
  /** Which statements are answered with an error and kept from the server, which has no word of them. */
  refuses: keyof typeof TOLD_APART | null = null;
  /** The number of that error. */
  refusesWith = AWAY;
  /** How many were. */
  refused = 0;
  /** Of how many coming COMMITs the answer is lost with its connection: 1 loses that of the next, 2 that of the one after. */
  losesCommit = 0;
  /** Whether the server dies with the next COMMIT, before it has word of it. It is severed then. */
  diesAtCommit = false;
  /** Connections whose server was demoted, by what they answer to everything. */
  private readonly demoted = new Map<Socket, number>();
  private readonly sockets = new Set<Socket>();
  private readonly nears = new Set<Socket>();
  /** Those whose next answer is lost. */
  private readonly losing = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
    private behind: ScratchDatabase,
  ) {}

  static async before(behind: ScratchDatabase): Promise<SeverableDatabase> {
    const server = createServer((near) => {
      const { hostname, port } = new URL(made.behind.url);
      const far = connect(Number(port || 3306), hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        made.sockets.add(one);
        if (one === near) made.nears.add(one);
        one.on('data', (chunk: Buffer) => {
          if (one === near) made.pass(chunk, near, far);
          else if (!made.isLosing(near)) other.write(chunk);
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

  /** From now on new connections lead to another server. Those that are open stay where they are. */
  lead(to: ScratchDatabase): void {
    this.behind = to;
  }

  /** From now on connections that are open answer this error to everything, as those of a demoted primary; new ones serve. */
  demote(errno: number): void {
    for (const near of this.nears) this.demoted.set(near, errno);
  }

  private pass(chunk: Buffer, near: Socket, far: Socket): void {
    const errno = this.demoted.get(near);
    const isRefused = this.refuses !== null && chunk.equals(TOLD_APART[this.refuses]);
    if (isRefused || (errno !== undefined && chunk[3] === 0 && COMMANDS.includes(chunk[4] ?? 0))) {
      this.refused += 1;
      near.write(errorPacket(errno ?? this.refusesWith));
      return;
    }
    if (this.diesAtCommit && chunk.equals(TOLD_APART.commit)) {
      this.diesAtCommit = false;
      this.sever();
      return;
    }
    if (this.losesCommit > 0 && chunk.equals(TOLD_APART.commit)) {
      this.losesCommit -= 1;
      if (this.losesCommit === 0) this.losing.add(near);
    }
    far.write(chunk);
  }

  /** Whether an answer is lost: the server has given it, and the connection breaks. */
  private isLosing(near: Socket): boolean {
    const isLosing = this.losing.delete(near);
    if (isLosing) near.destroy();
    return isLosing;
  }

  /** Breaks every connection, and refuses new ones. */
  sever(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    this.nears.clear();
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
