import type { FastifyRequest } from 'fastify';

/** What stands behind `Authorization: Bearer`; null without it. */
export function credentialOf(request: FastifyRequest): string | null {
  const [scheme = '', credential = ''] = (request.headers.authorization ?? '').split(' ');
  return scheme.toLowerCase() === 'bearer' && credential !== '' ? credential : null;
}
