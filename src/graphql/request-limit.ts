import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { getGraphQLRateLimiter, Store } from 'graphql-rate-limit';
import type { Clock } from '../platform/clock.js';
import { LeasedLimit, type LimitDecision } from '../platform/limits/leased-limit.js';
import type { LimitSettings } from '../platform/limits/limit-settings.js';
import type { LimitStore } from '../platform/limits/limit-store.js';
import type { Metrics } from '../platform/metrics.js';
import type { Caller } from '../platform/tenancy/caller.js';
import type { Scope } from '../platform/tenancy/scope.js';

/** How long a window of requests is, as the checklist has it. */
const WINDOW_SECONDS = 900;
const WINDOW_MS = WINDOW_SECONDS * 1000;

interface RequestLimitParts {
  readonly store: LimitStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Limits of apps and keys that differ from `max`; null where there are none. */
  readonly settings: Pick<LimitSettings, 'ofApp' | 'ofKey'> | null;
  /** Requests an app may make in a window. */
  readonly max: number;
}

/**
 * Counts one request in one step, where the library's own stores read, decide and write, so that parallel requests all
 * read the same count. The library asks for the calls of the window so far, and is told of one where one is too many.
 */
class CountingStore extends Store {
  decision: LimitDecision | null = null;

  constructor(private readonly decide: () => Promise<LimitDecision>) {
    super();
  }

  override async getForIdentity(): Promise<readonly number[]> {
    this.decision = await this.decide();
    return this.decision.isAllowed ? [] : [Date.now()];
  }

  override setForIdentity(): void {}
}

/** The requests an app, and a key with a limit of its own, may make in 15 minutes: counted over all processes. */
export class RequestLimit {
  private readonly limit: LeasedLimit;

  constructor(private readonly parts: RequestLimitParts) {
    this.limit = new LeasedLimit(parts);
  }

  /** Counts one request of the scope's app. Throws RATE_LIMITED (HTTP 429) beyond the limit. */
  async count({ caller }: Scope): Promise<LimitDecision> {
    const store = new CountingStore(() => this.decide(caller));
    const limiter = getGraphQLRateLimiter({ identifyContext: () => caller.app.id, store });
    const info = { fieldName: 'request' } as GraphQLResolveInfo;
    // The store decides; the library is asked whether the one call it is told of is one too many.
    const refusal = await limiter({ parent: {}, args: {}, context: caller, info }, { max: 1, window: `${WINDOW_SECONDS}s` });
    const { decision } = store;
    if (decision === null) throw new Error('The limit of requests was not asked.');
    if (refusal === undefined) return decision;
    this.parts.metrics.rateLimited.inc({ limit: 'requests' });
    throw rateLimited(
      `${decision.limit} requests may be made in ${WINDOW_SECONDS / 60} minutes: wait, or ask for a higher limit.`,
      decision,
    );
  }

  private async decide({ app, actor }: Caller): Promise<LimitDecision> {
    return ('keyId' in actor ? await this.ofKey(app.id, actor.keyId) : null) ?? (await this.ofApp(app.id));
  }

  /** How the nearer of the key's limit and the app's stands; null where the key has none. */
  private async ofKey(appId: string, keyId: string): Promise<LimitDecision | null> {
    const max = await this.parts.settings?.ofKey(appId, keyId);
    if (max === undefined) return null;
    const decision = await this.limit.take({ appId, id: `requests ${keyId}` }, { max, windowMs: WINDOW_MS });
    if (!decision.isAllowed) return decision;
    const ofApp = await this.ofApp(appId);
    return ofApp.isAllowed && decision.remaining < ofApp.remaining ? decision : ofApp;
  }

  private async ofApp(appId: string): Promise<LimitDecision> {
    const max = (await this.parts.settings?.ofApp(appId)) ?? this.parts.max;
    return this.limit.take({ appId, id: 'requests' }, { max, windowMs: WINDOW_MS });
  }
}

/** The top-level error of a limit that was met: HTTP 429, and when to come back. */
function rateLimited(message: string, { limit, resetMs }: LimitDecision): GraphQLError {
  const headers = new Map([
    ...Object.entries(limitHeaders({ isAllowed: false, limit, remaining: 0, resetMs })),
    ['retry-after', seconds(resetMs)],
  ]);
  const rateLimit = { limit, remaining: 0, retryAfterMs: resetMs };
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', rateLimit, http: { status: 429, headers } } });
}

/** How a window stands, in the headers that clients know: the IETF's draft, and the older three. */
export function limitHeaders({ limit, remaining, resetMs }: LimitDecision): Record<string, string> {
  return {
    'ratelimit-policy': `"requests";q=${limit};w=${WINDOW_SECONDS}`,
    ratelimit: `"requests";r=${remaining};t=${seconds(resetMs)}`,
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': seconds(resetMs),
  };
}

function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}
