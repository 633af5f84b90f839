import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { getGraphQLRateLimiter, Store } from 'graphql-rate-limit';
import type { Clock } from '../platform/clock.js';
import { LeasedLimit, type LimitDecision } from '../platform/limits/leased-limit.js';
import type { LimitSettings } from '../platform/limits/limit-settings.js';
import type { LimitKey, LimitStore } from '../platform/limits/limit-store.js';
import type { Metrics } from '../platform/metrics.js';
import type { Caller } from '../platform/tenancy/caller.js';
import type { Scope } from '../platform/tenancy/scope.js';

/** Whose requests are counted: the keys of an app, one customer's sessions, or all sessions of an app. */
type Budget = 'requests' | 'session' | 'sessions';

/** How the budget stands that a request was taken from. */
interface RequestDecision extends LimitDecision {
  readonly budget: Budget;
}

/** How long a window of requests is, as the checklist has it. */
const WINDOW_SECONDS = 900;
const WINDOW_MS = WINDOW_SECONDS * 1000;

interface RequestLimitParts {
  readonly store: LimitStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Limits of apps and keys that differ from `max`; null where there are none. */
  readonly settings: Pick<LimitSettings, 'ofApp' | 'ofKey' | 'ofSession' | 'ofSessions'> | null;
  /** Requests in a window of all keys of an app, of one customer with their sessions, and of all its sessions. */
  readonly max: number;
  readonly sessionMax: number;
  readonly sessionsMax: number;
  /** Hears of each request that is refused, and has to be quick. */
  readonly onReached: (appId: string, budget: Budget) => void;
}

/**
 * Counts one request in one step, where the library's own stores read, decide and write, so that parallel requests all
 * read the same count. The library asks for the calls of the window so far, and is told of one where one is too many.
 */
class CountingStore extends Store {
  decision: RequestDecision | null = null;

  constructor(private readonly decide: () => Promise<RequestDecision>) {
    super();
  }

  override async getForIdentity(): Promise<readonly number[]> {
    this.decision = await this.decide();
    return this.decision.isAllowed ? [] : [Date.now()];
  }

  override setForIdentity(): void {}
}

/**
 * The requests that an app with its keys, a key with a limit of its own, and customers with their sessions may make in
 * 15 minutes, counted over all processes. Sessions never spend what the app's keys may.
 */
export class RequestLimit {
  private readonly limit: LeasedLimit;

  constructor(private readonly parts: RequestLimitParts) {
    this.limit = new LeasedLimit(parts);
  }

  /** Counts one request of the scope's caller. Throws RATE_LIMITED (HTTP 429) beyond the limit. */
  async count({ caller }: Scope): Promise<RequestDecision> {
    const store = new CountingStore(() => this.decide(caller));
    const limiter = getGraphQLRateLimiter({ identifyContext: () => caller.app.id, store });
    const info = { fieldName: 'request' } as GraphQLResolveInfo;
    // The store decides; the library is asked whether the one call it is told of is one too many.
    const refusal = await limiter({ parent: {}, args: {}, context: caller, info }, { max: 1, window: `${WINDOW_SECONDS}s` });
    const { decision } = store;
    if (decision === null) throw new Error('The limit of requests was not asked.');
    if (refusal === undefined) return decision;
    this.parts.metrics.rateLimited.inc({ limit: 'requests' });
    this.parts.onReached(caller.app.id, decision.budget);
    throw rateLimited(
      `${decision.limit} requests may be made in ${WINDOW_SECONDS / 60} minutes: wait, or ask for a higher limit.`,
      decision,
    );
  }

  private async decide({ app, actor }: Caller): Promise<RequestDecision> {
    if (actor.kind === 'customer') return this.ofSession(app.id, actor.customerId);
    return ('keyId' in actor ? await this.ofKey(app.id, actor.keyId) : null) ?? (await this.ofApp(app.id));
  }

  /**
   * How the nearer of two budgets stands, none of which is its app's: that of the customer, whatever sessions they
   * have, and that of all sessions of the app. Beyond the first nothing is taken from the second.
   */
  private async ofSession(appId: string, customerId: string): Promise<RequestDecision> {
    const { settings, sessionMax, sessionsMax } = this.parts;
    const ownMax = (await settings?.ofSession(appId)) ?? sessionMax;
    const own = await this.take({ appId, id: `session ${customerId}` }, 'session', ownMax);
    if (!own.isAllowed) return own;
    const all = await this.take({ appId, id: 'sessions' }, 'sessions', (await settings?.ofSessions(appId)) ?? sessionsMax);
    return nearer(own, all);
  }

  /** How the nearer of the key's limit and the app's stands; null where the key has none. */
  private async ofKey(appId: string, keyId: string): Promise<RequestDecision | null> {
    const max = await this.parts.settings?.ofKey(appId, keyId);
    if (max === undefined) return null;
    const own = await this.take({ appId, id: `requests ${keyId}` }, 'requests', max);
    return own.isAllowed ? nearer(own, await this.ofApp(appId)) : own;
  }

  private async ofApp(appId: string): Promise<RequestDecision> {
    const max = (await this.parts.settings?.ofApp(appId)) ?? this.parts.max;
    return this.take({ appId, id: 'requests' }, 'requests', max);
  }

  private async take(key: LimitKey, budget: Budget, max: number): Promise<RequestDecision> {
    return { ...(await this.limit.take(key, { max, windowMs: WINDOW_MS })), budget };
  }
}

/** Of two budgets of which the first had one left, the one that is used up first. */
function nearer(own: RequestDecision, all: RequestDecision): RequestDecision {
  return all.isAllowed && own.remaining < all.remaining ? own : all;
}

/** The top-level error of a limit that was met: HTTP 429, and when to come back. */
function rateLimited(message: string, decision: RequestDecision): GraphQLError {
  const { limit, resetMs } = decision;
  const headers = new Map([...Object.entries(limitHeaders({ ...decision, remaining: 0 })), ['retry-after', seconds(resetMs)]]);
  const rateLimit = { limit, remaining: 0, retryAfterMs: resetMs };
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', rateLimit, http: { status: 429, headers } } });
}

/** How a budget stands, and which, in the headers that clients know: the IETF's draft, and the older three. */
export function limitHeaders({ budget, limit, remaining, resetMs }: RequestDecision): Record<string, string> {
  return {
    'ratelimit-policy': `"${budget}";q=${limit};w=${WINDOW_SECONDS}`,
    ratelimit: `"${budget}";r=${remaining};t=${seconds(resetMs)}`,
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': seconds(resetMs),
  };
}

function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}
