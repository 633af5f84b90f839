import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { isLoopbackHost } from '../platform/loopback.js';
import { answerProblem } from './problem.js';

const ASSETS = '/graphql/explorer/';
/** The explorer is one page of scripts of its own, and shows nothing from elsewhere. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'";

const FIRST_QUERY = `# Everything here is the local demo: no real money moves.
{
  app { id name }
  customers(first: 10) {
    nodes { id email subscriptions { nodes { status price { decimal currency } } } }
  }
}
`;

/** Where somebody looks for the explorer. */
const PAGES: readonly string[] = ['/', '/graphql', '/graphql/'];

/**
 * GET /graphql in a browser: an explorer served from here, with the demo's credential filled in, and so only to this
 * machine: a site whose name was made to lead here would read the credential. Part of the server itself rather than a
 * plugin of it, because it steps in front of the GraphQL route.
 */
export async function serveExplorer(server: FastifyInstance, explorer: { readonly credential: string }): Promise<void> {
  await server.register(fastifyStatic, {
    root: path.join(path.dirname(fileURLToPath(import.meta.resolve('altair-static'))), 'dist'),
    prefix: ASSETS,
    index: false,
    setHeaders: (reply) => reply.header('content-security-policy', CONTENT_SECURITY_POLICY),
  });
  server.addHook('onRequest', async (request, reply) => {
    const [address = ''] = request.url.split('?');
    const wantsPage = request.method === 'GET' && PAGES.includes(address) && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage) return;
    if (!isLoopbackHost(request.headers.host))
      return answerProblem(reply, 403, 'FORBIDDEN', 'The explorer is shown on this machine only: open it at http://localhost, same port.');
    return reply
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .type('text/html')
      .send(await pageFor(explorer));
  });
}

/** The page, which is loaded when somebody wants to see it: it is the largest of all modules. */
async function pageFor({ credential }: { readonly credential: string }): Promise<string> {
  const { renderAltair } = await import('altair-static');
  return renderAltair({
    baseURL: ASSETS,
    endpointURL: '/graphql',
    initialQuery: FIRST_QUERY,
    initialHeaders: { Authorization: `Bearer ${credential}` },
    initialSettings: { 'banners.disable': true, 'alert.disableUpdateNotification': true },
    // What a browser kept of an earlier key, whose data are gone, is not shown again.
    instanceStorageNamespace: `billing_${createHash('sha256').update(credential).digest('hex').slice(0, 16)}_`,
    disableAccount: true,
  });
}
