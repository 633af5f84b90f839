import type { LimitsConfig } from './config.js';
import type { LimitEvents } from './events/limit-events.js';
import { RequestLimit } from './graphql/request-limit.js';
import type { Clock } from './platform/clock.js';
import type { Database } from './platform/db/database.js';
import { AddressLimit } from './platform/limits/address-limit.js';
import { DatabaseLimitStore } from './platform/limits/database-limit.store.js';
import { DeliveryLimit } from './platform/limits/delivery-limit.js';
import { GuardedLimitStore } from './platform/limits/guarded-limit.store.js';
import type { LimitSettings } from './platform/limits/limit-settings.js';
import { type LimitStore, MemoryLimitStore } from './platform/limits/limit-store.js';
import { RedisLimitStore } from './platform/limits/redis-limit.store.js';
import type { Log } from './platform/log.js';
import type { Metrics } from './platform/metrics.js';

/** What the HTTP server limits, and how to let go of the store. */
export interface Limits {
  readonly requests: RequestLimit;
  readonly failedAuthentications: AddressLimit;
  readonly deliveries: DeliveryLimit;
  readonly close: () => void;
}

/** The limits of a deployment that are counted. */
type Counted = Pick<
  LimitsConfig,
  'requestsPerWindow' | 'sessionRequestsPerWindow' | 'sessionsRequestsPerWindow' | 'failedAuthenticationsPerWindow' | 'webhooksPerHour'
>;

interface LimitsParts {
  readonly database: Database;
  readonly limitSettings: LimitSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who tells apps that their requests are refused. */
  readonly limitEvents: Pick<LimitEvents, 'reached'>;
}

/** The limits of a deployment, counted in Redis if there is one and else in the billing database. */
export function composeLimits(parts: LimitsParts, config: LimitsConfig): Limits {
  const redis = config.redisUrl === null ? null : new RedisLimitStore(config.redisUrl);
  const store = new GuardedLimitStore({ ...parts, shared: redis ?? new DatabaseLimitStore(parts.database) });
  return limitsOn(store, parts, config, parts.limitSettings);
}

/** Limits of one process that are counted nowhere else, for servers that stand alone. */
export function composeLocalLimits(parts: Pick<LimitsParts, 'clock' | 'metrics' | 'limitEvents'>, config: Counted): Limits {
  return limitsOn(new MemoryLimitStore(), parts, config, null);
}

function limitsOn(
  store: LimitStore,
  { clock, metrics, limitEvents }: Pick<LimitsParts, 'clock' | 'metrics' | 'limitEvents'>,
  config: Counted,
  settings: LimitSettings | null,
): Limits {
  const { requestsPerWindow: max, sessionRequestsPerWindow: sessionMax, sessionsRequestsPerWindow: sessionsMax } = config;
  const requests = { max, sessionMax, sessionsMax };
  return {
    requests: new RequestLimit({ ...{ store, clock, metrics, settings }, ...requests, onReached: limitEvents.reached.bind(limitEvents) }),
    failedAuthentications: new AddressLimit({ store, clock, max: config.failedAuthenticationsPerWindow }),
    deliveries: new DeliveryLimit({ store, clock, maxPerHour: config.webhooksPerHour }),
    close: () => store.close?.(),
  };
}
