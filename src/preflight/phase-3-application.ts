import { type Check, type Finding, failed, verdict } from './check.js';
import { appsOf, type PreflightParts, probe, publicUrlOf } from './parts.js';

/** Phase 3, application: the environment, and what the running gateway lets through. */
export const APPLICATION_CHECKS: readonly Check[] = [
  {
    id: 'environment.production',
    phase: 3,
    isAttestable: false,
    todo: 'Set NODE_ENV=production and the variables that it then asks for; the gateway does not start without one of them.',
    look: async ({ config }) =>
      verdict(config.isProduction, 'NODE_ENV is production, and every variable it needs is set.', 'NODE_ENV is not production.'),
  },
  {
    id: 'service.ready',
    phase: 3,
    isAttestable: false,
    todo: 'Start the gateway, and see why GET /readyz does not say ready.',
    look: async (parts) => {
      const { status } = await probe(`${publicUrlOf(parts)}/readyz`);
      return verdict(status === 200, 'GET /readyz says ready.', `GET /readyz answers ${status}.`);
    },
  },
  {
    id: 'service.guarded',
    phase: 3,
    isAttestable: false,
    todo: 'Requests without a key, or with the key of another app than X-App-Id says, must be refused: see what stands before the gateway.',
    look: guarded,
  },
  {
    id: 'limits.requests',
    phase: 3,
    isAttestable: false,
    todo: 'Set BILLING_REQUESTS_PER_WINDOW (docs/limits.md); the answers must carry the headers RateLimit-Limit and RateLimit-Remaining.',
    look: requestLimit,
  },
  {
    id: 'limits.configured',
    phase: 3,
    isAttestable: true,
    todo: 'Set the limits of requests, sessions, failed authentications and webhooks (docs/limits.md) to what you need; attest high ones.',
    look: async ({ config: { limits } }) => {
      const { requestsPerWindow, sessionRequestsPerWindow: own, failedAuthenticationsPerWindow: failures, webhooksPerHour } = limits;
      const told = `${requestsPerWindow} requests of an app, ${own} of a customer and ${failures} failed authentications of an address in 15 min, ${webhooksPerHour} webhooks an hour.`;
      return verdict(Math.max(requestsPerWindow, own) < 100_000 && failures <= 20 && webhooksPerHour < 100_000, told, told);
    },
  },
  {
    id: 'limits.size',
    phase: 3,
    isAttestable: false,
    todo: 'A body above BILLING_GRAPHQL_BODY_BYTES_MAX must be refused with 413: see what stands before the gateway.',
    look: async (parts) => {
      const bytes = parts.config.limits.graphqlBodyBytesMax + 1;
      const { status } = await probe(`${publicUrlOf(parts)}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{ '.padEnd(bytes, ' '),
      });
      return verdict(
        status === 413,
        `A body of ${bytes} bytes is answered 413.`,
        `A body of ${bytes} bytes is answered ${status}, not 413.`,
      );
    },
  },
];

const QUESTION = { method: 'POST', body: JSON.stringify({ query: '{ app { id } }' }) };

async function guarded(parts: PreflightParts): Promise<Finding> {
  const ask = async (headers: Record<string, string>) =>
    (await probe(`${publicUrlOf(parts)}/graphql`, { ...QUESTION, headers: { 'content-type': 'application/json', ...headers } })).status;
  const nobody = await ask({});
  if (nobody !== 401) return failed(`A request without a key is answered ${nobody}, not 401.`);
  return withKey(parts, async (key) => {
    const known = await ask({ authorization: `Bearer ${key}` });
    if (known !== 200) return failed(`A request with a good key is answered ${known}.`);
    const other = await ask({ authorization: `Bearer ${key}`, 'x-app-id': 'another-app' });
    return verdict(
      other === 403,
      'No key: 401. A key: its own app only, and 403 if another is named.',
      `Naming another app is answered ${other}, not 403.`,
    );
  });
}

async function requestLimit(parts: PreflightParts): Promise<Finding> {
  return withKey(parts, async (key) => {
    const { headers } = await probe(`${publicUrlOf(parts)}/graphql`, {
      ...QUESTION,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    });
    const [limit, left] = [headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')];
    if (limit === null || left === null) return failed('Answers do not say how many requests are left.');
    const told = `${left} of ${limit} requests in 15 minutes are left`;
    return verdict(Number(left) < Number(limit), `Counted: ${told}.`, `Not counted: ${told} after one.`);
  });
}

/** Runs `work` with a key that reads the oldest app, and revokes it after. */
async function withKey(parts: PreflightParts, work: (key: string) => Promise<Finding>): Promise<Finding> {
  const [first] = await appsOf(parts);
  if (first === undefined) throw new Error('There is no app.');
  const { id, key } = await parts.access.createKey(first.app.id, 'read_only', { expiresInDays: 1 });
  try {
    return await work(key);
  } finally {
    await parts.access.revokeKey(id);
  }
}
