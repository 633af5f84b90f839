import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;
const UTF8 = /^(?:utf-?8|us-ascii)$/i;

/** The body is in another encoding than JSON has; `code` says whether its header or its bytes say so. */
class NotUtf8 extends Error {
  constructor(readonly code: 'CHARSET_NOT_UTF8' | 'BYTES_NOT_UTF8') {
    super(code);
  }
}

/**
 * Takes bodies of JSON in UTF-8 and no others: in another encoding a text would be read as other letters than were
 * meant, and so stored.
 */
export function takeJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const [, charset] = CHARSET.exec(request.headers['content-type'] ?? '') ?? [];
    if (charset !== undefined && !UTF8.test(charset)) return done(new NotUtf8('CHARSET_NOT_UTF8'));
    if (!isUtf8(body)) return done(new NotUtf8('BYTES_NOT_UTF8'));
    return parse(request, body.toString(), done);
  });
}
