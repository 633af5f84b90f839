import http, { type AgentOptions, type ClientRequestArgs } from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as encrypt } from 'node:tls';
import { refusal, type TargetGuard } from './target.guard.js';

/**
 * Connections are kept for the next delivery to the same server, and given up before it would close them: after 4 s, or
 * 2 s before it said that it will.
 */
const KEPT: AgentOptions = { keepAlive: true, timeout: 4_000, agentKeepAliveTimeoutBuffer: 2_000, maxFreeSockets: 64 };

interface Opening {
  readonly guard: TargetGuard;
  readonly msMax: number;
}

type Opened = (error: Error | null, stream: Duplex) => void;

/** How the connections of deliveries are opened: only to what the guard lets through. */
export class GuardedAgents {
  private readonly plain: http.Agent;
  private readonly encrypted: https.Agent;

  /** `msMax`: how long opening a connection may take, with looking its name up. */
  constructor(guard: TargetGuard, msMax: number) {
    this.plain = new PlainAgent({ guard, msMax });
    this.encrypted = new EncryptedAgent({ guard, msMax });
  }

  for(url: URL): http.Agent {
    return url.protocol === 'https:' ? this.encrypted : this.plain;
  }

  /** Closes what is kept open. */
  close(): void {
    this.plain.destroy();
    this.encrypted.destroy();
  }
}

class PlainAgent extends http.Agent {
  constructor(private readonly opening: Opening) {
    super(KEPT);
  }

  override createConnection(options: ClientRequestArgs, opened?: Opened): undefined {
    connectGuarded(this.opening, 'http:', options, (error, socket) => opened?.(error, socket));
  }
}

class EncryptedAgent extends https.Agent {
  constructor(private readonly opening: Opening) {
    super(KEPT);
  }

  override createConnection(options: ClientRequestArgs, opened?: Opened): undefined {
    connectGuarded(this.opening, 'https:', options, (error, socket) => {
      // Not a byte of TLS goes out before the address of the other end was looked at.
      opened?.(error, error === null ? encrypt({ ...(options as ConnectionOptions), socket }) : socket);
    });
  }
}

/** Connects to an address that may be reached, and hands the socket over once its other end is known to be one. */
function connectGuarded(
  { guard, msMax }: Opening,
  protocol: string,
  { host, port }: ClientRequestArgs,
  opened: (error: Error | null, socket: Socket) => void,
): void {
  const name = host ?? '';
  const socket = connect({ host: name, port: Number(port), lookup: guard.lookupFor(protocol), noDelay: true });
  // Whoever asked for it has given up by then, and a request without a socket takes none with it.
  const patience = setTimeout(() => socket.destroy(tooLate()), msMax);
  socket.once('connect', () => clearTimeout(patience)).once('close', () => clearTimeout(patience));
  // A literal address is not looked up.
  if (isIP(name) !== 0 && !guard.mayReach(name, protocol)) socket.destroy(refusal());
  const failed = (error: Error) => opened(error, socket);
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    if (guard.mayReach(socket.remoteAddress ?? '', protocol)) return opened(null, socket);
    socket.destroy();
    opened(refusal(), socket);
  });
}

function tooLate(): NodeJS.ErrnoException {
  return Object.assign(new Error('The connection took too long.'), { code: 'ETIMEDOUT' });
}
