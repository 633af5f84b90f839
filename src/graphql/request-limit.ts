import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { getGraphQLRateLimiter, Store } from 'graphql-rate-limit';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Scope } from '../platform/tenancy/scope.js';

/** How long a window of requests is, as the checklist has it. */
const WINDOW_SECONDS = 900;

/** What an app has used of its window. */
interface Usage {
  readonly count: number;
  readonly resetMs: number;
}

/**
 * Counts in one step, where the library's own stores read, decide and write, so that parallel requests all read the same
 * count. The library asks for the calls of the window so far, so it is told none, or as many as are too many.
 */
class AtomicStore extends Store {
  private readonly counter = new RateLimiterMemory({ points: 1, duration: WINDOW_SECONDS });
  private readonly usages = new Map<string, Usage>();

  constructor(private readonly max: number) {
    super();
  }

  override async getForIdentity({ contextIdentity }: { contextIdentity: string }): Promise<readonly number[]> {
    const { consumedPoints, msBeforeNext } = await this.counter.penalty(contextIdentity);
    this.usages.set(contextIdentity, { count: consumedPoints, resetMs: msBeforeNext });
    return consumedPoints > this.max ? Array.from({ length: this.max }, () => Date.now()) : [];
  }

  override setForIdentity(): void {}

  usageOf(identity: string): Usage {
    return this.usages.get(identity) ?? { count: 0, resetMs: 0 };
  }
}

/** The requests an app may make in 15 minutes, counted in this process. */
export class RequestLimit {
  private readonly store: AtomicStore;
  private readonly limiter: ReturnType<typeof getGraphQLRateLimiter>;

  constructor(private readonly max: number) {
    this.store = new AtomicStore(max);
    this.limiter = getGraphQLRateLimiter({ identifyContext: (scope: Scope) => scope.appId, store: this.store });
  }

  /** Counts one request of the scope's app. Throws RATE_LIMITED (HTTP 429, Retry-After) beyond the limit. */
  async count(scope: Scope): Promise<void> {
    const info = { fieldName: 'request' } as GraphQLResolveInfo;
    const refusal = await this.limiter({ parent: {}, args: {}, context: scope, info }, { max: this.max, window: `${WINDOW_SECONDS}s` });
    if (refusal === undefined) return;
    const retryAfterMs = this.store.usageOf(scope.appId).resetMs;
    const headers = new Map([['retry-after', String(Math.ceil(retryAfterMs / 1000))]]);
    throw new GraphQLError(`This app may make ${this.max} requests in ${WINDOW_SECONDS / 60} minutes: wait, or ask for a higher limit.`, {
      extensions: { code: 'RATE_LIMITED', rateLimit: { limit: this.max, remaining: 0, retryAfterMs }, http: { status: 429, headers } },
    });
  }
}
