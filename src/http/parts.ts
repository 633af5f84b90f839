import type { GraphQLSchema } from 'graphql';
import type { AccessService } from '../access/access.service.js';
import type { Operations } from '../access/operation.service.js';
import type { Pages } from '../access/pages.js';
import type { Limits } from '../compose.limits.js';
import type { Degradation } from '../platform/degradation.js';
import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics.js';
import type { MetricsAccess } from '../platform/ops-server.js';
import type { WebhookInbox } from '../webhooks/webhook.inbox.js';

/** What the HTTP server serves. */
export interface HttpParts {
  readonly schema: GraphQLSchema;
  readonly access: AccessService;
  readonly operations: Operations;
  readonly pages: Pages;
  /** Which documents customer sessions may send: registered ones, unless it says `any`. */
  readonly sessionDocuments?: 'any' | 'registered';
  readonly limits: Limits;
  /** The largest body that is taken at /graphql, bytes; 128 KiB unless it is said. */
  readonly graphqlBodyBytesMax?: number;
  /** Connections at once, half of them from one address; 4,096 unless it is said. */
  readonly connectionsMax?: number;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
  readonly inbox: WebhookInbox;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who may read GET /metrics; nobody unless it is said. */
  readonly metricsAccess?: MetricsAccess;
  /** Whether the database answers and has the newest schema. */
  readonly whyNotReady: () => Promise<string | null>;
  /** What is out of reach although the gateway serves. */
  readonly degraded: () => readonly Degradation[];
  /** How long a request may take, ms; what its calls to Tilled take by default if absent. */
  readonly requestMsMax?: number;
  /** How long a server that is being closed says so before it lets nobody in any more, ms; not at all if absent. */
  readonly drainMs?: number;
  /** Serves the explorer, with this credential filled in; null where there is none, as in production. */
  readonly explorer: { readonly credential: string } | null;
}
