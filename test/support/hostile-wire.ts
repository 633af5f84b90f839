import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TilledEvent } from '../../src/tilled/tilled.shapes.js';

interface WireOptions {
  /** Where deliveries go in the end. */
  readonly target: string;
  /** Signs a body as Tilled does, at the moment of each attempt. */
  readonly sign: (body: string) => string;
  /** Numbers from 0 up to 1 that decide everything. */
  readonly random: () => number;
  /** How many deliveries are held back to be shuffled among each other. */
  readonly window: number;
  /** The share of deliveries that never arrive, and of those that arrive twice. */
  readonly lost: number;
  readonly doubled: number;
  readonly senders: number;
}

/**
 * What lies between Tilled and the gateway, at its worst: takes deliveries and passes them on signed anew, shuffled, some twice,
 * some never. What is not answered 200 is sent again later, as Tilled does.
 */
export class HostileWire {
  /** Events in the order they got through for the first time, those that were lost too, where they would have been. */
  readonly arrivals: TilledEvent[] = [];
  readonly lostIds = new Set<string>();
  sent = 0;
  refused = 0;
  private readonly held: string[] = [];
  private isFlushing = false;
  private isClosed = false;
  private sending = 0;
  private readonly senders: Promise<void>[];

  private constructor(
    private readonly server: Server,
    private readonly options: WireOptions,
  ) {
    this.senders = Array.from({ length: options.senders }, () => this.send());
  }

  static async open(options: WireOptions): Promise<HostileWire> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => void parts.push(part));
      request.on('end', () => {
        wire.held.push(Buffer.concat(parts).toString('utf8'));
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new HostileWire(server, options);
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Passes everything on that is still held back, and from now on holds back nothing. */
  async flush(): Promise<void> {
    this.isFlushing = true;
    while (this.held.length > 0 || this.sending > 0) await sleep(10);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.senders);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async send(): Promise<void> {
    while (!this.isClosed) {
      const body = this.takeAny();
      if (body === null) await sleep(5);
      else {
        this.sending += 1;
        await this.pass(body).finally(() => {
          this.sending -= 1;
        });
      }
    }
  }

  private takeAny(): string | null {
    if (this.held.length === 0 || (!this.isFlushing && this.held.length < this.options.window)) return null;
    const [body] = this.held.splice(Math.floor(this.options.random() * this.held.length), 1);
    return body ?? null;
  }

  private async pass(body: string): Promise<void> {
    const event = JSON.parse(body) as TilledEvent;
    const chance = this.options.random();
    if (chance < this.options.lost) {
      this.lostIds.add(event.id);
      this.arrivals.push(event);
      return;
    }
    if (chance > 1 - this.options.doubled) this.held.push(body);
    this.sent += 1;
    const headers = { 'content-type': 'application/json', 'tilled-signature': this.options.sign(body) };
    const status = await fetch(this.options.target, { method: 'POST', headers, body }).then(
      (response) => response.text().then(() => response.status),
      () => 0,
    );
    if (status === 200) this.arrivals.push(event);
    else {
      this.refused += 1;
      await sleep(50);
      this.held.push(body);
    }
  }
}
