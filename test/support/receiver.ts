import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';

/** What came to a receiver. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent, for whoever verifies it. */
  readonly body: string;
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  readonly sequence: number;
}

/** What a receiver answers; it may also do something with the response itself, such as nothing. */
export type Answering = (received: Received, response: ServerResponse) => number | Promise<number> | undefined;

/** A server of an app, on this machine. */
export class Receiver {
  readonly received: Received[] = [];
  /** How many connections were opened to it. */
  connections = 0;
  private answering: Answering = () => 200;

  private constructor(private readonly server: Server) {}

  /** `tls`: a certificate and its key; else it speaks http. */
  static async start(
    answering: Answering = () => 200,
    tls: { readonly cert: string; readonly key: string } | null = null,
    host = '127.0.0.1',
  ): Promise<Receiver> {
    const listener: RequestListener = (request, response) =>
      void text(request).then((body) => receiver.hear({ path: request.url ?? '', headers: request.headers, body }, response));
    const server = tls === null ? createServer(listener) : createSecureServer(tls, listener);
    const receiver = new Receiver(server);
    receiver.answerWith(answering);
    server.on('connection', () => {
      receiver.connections += 1;
    });
    server.listen(0, host);
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  /** What it answers from now on. */
  answerWith(answering: Answering): void {
    this.answering = answering;
  }

  /** What came of an object, in the order in which it came. */
  of(objectId: string): Received[] {
    return this.received.filter((received) => received.objectId === objectId);
  }

  /** Closes the connections that are kept open. */
  async dropConnections(): Promise<void> {
    this.server.closeAllConnections();
    await setImmediate();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async hear(request: Pick<Received, 'path' | 'headers' | 'body'>, response: ServerResponse): Promise<void> {
    const { type, data } = JSON.parse(request.body) as { type: string; data: { object: { id: string }; sequence: number } };
    const id = String(request.headers['webhook-id']);
    const received = { ...request, id, type, objectId: data.object.id, sequence: data.sequence };
    this.received.push(received);
    const status = await this.answering(received, response);
    if (status !== undefined && !response.writableEnded) response.writeHead(status).end();
  }
}
