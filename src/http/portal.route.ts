import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PACKAGE_FOLDER } from '../platform/version.js';
import type { HttpParts } from './parts.js';

const PORTAL = '/portal/';
const ASSETS = 'assets';
/** Files of that folder have a hash of what is in them in their names. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * GET /portal/: the customer portal, files that are the same for everybody. What a customer may see comes from
 * /graphql, with the session that stands behind the # of their link.
 */
export async function servePortal(server: FastifyInstance, { pages }: Pick<HttpParts, 'pages'>): Promise<void> {
  const root = path.join(PACKAGE_FOLDER, 'dist/web/portal');
  const policy = contentSecurityPolicy(pages.scriptOrigin);
  await server.register(fastifyStatic, {
    root,
    prefix: PORTAL,
    decorateReply: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders: (reply, file) => {
      reply.header('content-security-policy', policy);
      // The address of a page that is led away from is nobody's business.
      reply.header('referrer-policy', 'no-referrer');
      if (path.relative(root, file).startsWith(ASSETS)) reply.header('cache-control', FOR_EVER);
    },
  });
  server.get('/portal', (_, reply) => reply.redirect(PORTAL, 308));
}

/** Style sheets that react-aria puts into the page: one for what is pressed, one while something lies over the page. */
const LIBRARY_STYLES = ["'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='", "'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='"];

/** Scripts of our own and Tilled's, whose fields for cards are frames of its own; nothing inline. */
function contentSecurityPolicy(scriptOrigin: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${scriptOrigin}`,
    `style-src 'self' ${LIBRARY_STYLES.join(' ')}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    `frame-src ${scriptOrigin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
