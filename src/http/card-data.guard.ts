import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CardDataFinding, type CardDataKind, findCardData } from '../platform/card-data.js';
import { findInDocument } from './card-data.document.js';
import type { HttpParts } from './parts.js';
import { answerProblem } from './problem.js';
import { isDelivery } from './webhook.route.js';

/** Headers made by machines, whose long random numbers may look like a card's; none of them is stored or logged. */
const UNREAD_HEADERS =
  /^(authorization|content-length|cookie|date|if-.*|traceparent|tracestate|baggage|sentry-trace|b3|x-b3-.*|x-datadog-.*|x-cloud-trace-context|x-amzn-trace-id|cf-ray)$/;
const CLEAN_DOCUMENTS_MAX = 1_000;
const DOCUMENT_LENGTH_MAX = 10_000;

const FOUND: Readonly<Record<CardDataKind, string>> = {
  card_number: 'a card number',
  security_code: "a card's security code",
  card_expiry: 'the expiry of a card',
  bank_account: 'a bank account',
};

/**
 * Keeps card and bank data out: a request with any in its address, headers or body is refused before anything of it is
 * executed, stored or logged. Bodies and headers of deliveries are not read: what is not signed by Tilled is not kept
 * anyway.
 */
export class CardDataGuard {
  /** Documents that were read before: clients send the same few again and again. */
  private readonly cleanDocuments = new Set<string>();

  constructor(private readonly parts: Pick<HttpParts, 'log' | 'metrics'>) {}

  /** Watches all routes of a server. */
  watch(server: FastifyInstance): void {
    server.addHook('onRequest', (request, reply, next) => {
      const finding = inAddress(request) ?? (isDelivery(request) ? null : inHeaders(request));
      if (finding === null) next();
      else this.refuse(request, reply, finding);
    });
    server.addHook('preHandler', (request, reply, next) => {
      const finding = isDelivery(request) ? null : this.inBody(request.body);
      if (finding === null) next();
      else this.refuse(request, reply, finding);
    });
  }

  private inBody(body: unknown): CardDataFinding | null {
    for (const item of Array.isArray(body) ? body : [body]) {
      if (typeof item !== 'object' || item === null) {
        const finding = findCardData(item, ['body']);
        if (finding !== null) return finding;
        continue;
      }
      const { query, ...rest } = item as { readonly query?: unknown };
      const finding = typeof query === 'string' ? this.inDocument(query) : findCardData(query, ['query']);
      const found = finding ?? findCardData(rest);
      if (found !== null) return found;
    }
    return null;
  }

  private inDocument(document: string): CardDataFinding | null {
    if (this.cleanDocuments.has(document)) return null;
    const kind = findInDocument(document);
    if (kind !== null) return { kind, path: ['query'] };
    if (this.cleanDocuments.size >= CLEAN_DOCUMENTS_MAX) this.cleanDocuments.clear();
    if (document.length <= DOCUMENT_LENGTH_MAX) this.cleanDocuments.add(document);
    return null;
  }

  private refuse(request: FastifyRequest, reply: FastifyReply, { kind, path }: CardDataFinding): FastifyReply {
    const place = path.join('.');
    this.parts.metrics.cardDataRefusals.inc({ kind });
    this.parts.log.error('card data refused', { requestId: request.id, kind, place });
    const message = `There is ${FOUND[kind]} in ${place}: card and bank data must never be sent here. Collect them with Tilled.js and send the pm_… id.`;
    return answerProblem(reply, 400, { code: 'PCI_VIOLATION', field: path }, message);
  }
}

function inAddress(request: FastifyRequest): CardDataFinding | null {
  const [path = '', ...rest] = request.url.split('?');
  const inPath = findCardData(decoded(path), ['url']);
  if (inPath !== null || rest.length === 0) return inPath;
  return findCardData(request.query, ['url']) ?? findCardData(decoded(rest.join('?').replaceAll('+', ' ')), ['url']);
}

function inHeaders(request: FastifyRequest): CardDataFinding | null {
  const read = Object.entries(request.headers).filter(([name]) => !UNREAD_HEADERS.test(name));
  return findCardData(Object.fromEntries(read.map(([name, value]) => [name.replace(/^x-/, ''), value])), ['headers']);
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
