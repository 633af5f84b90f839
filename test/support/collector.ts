import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP's JSON has it. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly status: { readonly code?: number };
  readonly service: string;
  /** What is said of the process that made it. */
  readonly resource: Readonly<Record<string, string | number | undefined>>;
}

interface Wire {
  readonly resourceSpans: {
    readonly resource: { readonly attributes: WireAttribute[] };
    readonly scopeSpans: {
      readonly spans: (Omit<CollectedSpan, 'attributes' | 'resource' | 'service'> & { attributes: WireAttribute[] })[];
    }[];
  }[];
}

interface WireAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

/** A collector of OpenTelemetry traces that keeps what it is sent. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  readonly bodies: string[] = [];
  /** The Authorization of each request. */
  readonly credentials: (string | undefined)[] = [];

  private constructor(private readonly server: Server) {}

  /** One that takes spans, or one that takes connections and never answers. */
  static async open({ isHanging = false } = {}): Promise<Collector> {
    const server = createServer(async (request, reply) => {
      made.credentials.push(request.headers.authorization);
      if (isHanging) return;
      const body = Buffer.concat(await request.toArray()).toString('utf8');
      if (request.url === '/v1/traces') made.take(body);
      reply.setHeader('content-type', 'application/json').end('{}');
    });
    const made = new Collector(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private take(body: string): void {
    this.bodies.push(body);
    for (const { resource, scopeSpans } of (JSON.parse(body) as Wire).resourceSpans) {
      const known = plain(resource.attributes);
      const service = String(known['service.name']);
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({ ...span, attributes: plain(span.attributes), service, resource: known });
    }
  }
}

function plain(attributes: readonly WireAttribute[]): Readonly<Record<string, string | number | undefined>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}
