import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CardDataFinding, findCardData, hasCardNumber, isForbiddenName } from '../platform/card-data.js';
import type { HttpParts } from './parts.js';
import { answerProblem } from './problem.js';
import { isDelivery } from './webhook.route.js';

/** Headers made by machines, whose long random numbers may look like a card's; none of them is stored or logged. */
const UNREAD_HEADERS =
  /^(authorization|content-length|cookie|date|if-.*|traceparent|tracestate|baggage|sentry-trace|b3|x-b3-.*|x-datadog-.*|x-cloud-trace-context|x-amzn-trace-id|cf-ray)$/;
/** Names in a document that a value follows: arguments, fields of objects, variables and aliases. */
const NAMES_IN_DOCUMENT = /(?<![_0-9A-Za-z])([_A-Za-z][_0-9A-Za-z]*)[\s,]{0,99}:/g;
const CLEAN_DOCUMENTS_MAX = 1_000;
const DOCUMENT_LENGTH_MAX = 10_000;

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
    if (hasCardNumber(document)) return { kind: 'card_number', path: ['query'] };
    for (const [, name = ''] of document.matchAll(NAMES_IN_DOCUMENT)) {
      if (isForbiddenName(name)) return { kind: 'forbidden_name', path: ['query'] };
    }
    const finding = findCardData(document, ['query']);
    if (finding !== null) return finding;
    if (this.cleanDocuments.size >= CLEAN_DOCUMENTS_MAX) this.cleanDocuments.clear();
    if (document.length <= DOCUMENT_LENGTH_MAX) this.cleanDocuments.add(document);
    return null;
  }

  private refuse(request: FastifyRequest, reply: FastifyReply, { kind, path }: CardDataFinding): FastifyReply {
    const place = path.join('.');
    this.parts.metrics.cardDataRefusals.inc({ kind });
    this.parts.log.error('card data refused', { requestId: request.id, kind, place });
    const what = kind === 'card_number' ? 'a card number' : 'a name that only card or bank data have';
    return answerProblem(
      reply,
      400,
      'PCI_VIOLATION',
      `There is ${what} in ${place}: card and bank data must never be sent here. Collect them with Tilled.js and send the pm_… id.`,
    );
  }
}

function inAddress(request: FastifyRequest): CardDataFinding | null {
  const [path = '', ...rest] = request.url.split('?');
  if (hasCardNumber(decoded(path))) return { kind: 'card_number', path: ['url'] };
  return rest.length === 0
    ? null
    : (findCardData(request.query, ['url']) ?? findCardData(decoded(rest.join('?').replaceAll('+', ' ')), ['url']));
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
