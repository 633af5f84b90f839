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

type Opened = (error: Error | null, stream: Duplex) => void;

/** How the connections of deliveries are opened: only to what the guard lets through. */
export class GuardedAgents {
  private readonly plain: http.Agent;
  private readonly encrypted: https.Agent;

  constructor(guard: TargetGuard) {
    this.plain = new PlainAgent(guard);
    this.encrypted = new EncryptedAgent(guard);
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
  constructor(private readonly guard: TargetGuard) {
    super(KEPT);
  }

  override createConnection(options: ClientRequestArgs, opened?: Opened): undefined {
    connectGuarded(this.guard, 'http:', options, (error, socket) => opened?.(error, socket));
  }
}

class EncryptedAgent extends https.Agent {
  constructor(private readonly guard: TargetGuard) {
    super(KEPT);
  }

  override createConnection(options: ClientRequestArgs, opened?: Opened): undefined {
    connectGuarded(this.guard, 'https:', options, (error, socket) => {
      // Not a byte of TLS goes out before the address of the other end was looked at.
      opened?.(error, error === null ? encrypt({ ...(options as ConnectionOptions), socket }) : socket);
    });
  }
}

/** Connects to an address that may be reached, and hands the socket over once its other end is known to be one. */
function connectGuarded(
  guard: TargetGuard,
  protocol: string,
  { host, port }: ClientRequestArgs,
  opened: (error: Error | null, socket: Socket) => void,
): void {
  const name = host ?? '';
  const socket = connect({ host: name, port: Number(port), lookup: guard.lookupFor(protocol), noDelay: true });
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
