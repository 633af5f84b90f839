import type { Foundation } from './compose.foundation.js';
import { Deliverer } from './deliveries/deliverer.js';
import { DeliveryMetrics, exposeDeliveries } from './deliveries/delivery.metrics.js';
import { WebhookDeliveryResolver } from './deliveries/delivery.resolver.js';
import { WebhookDeliveryService } from './deliveries/delivery.service.js';
import { WebhookEndpointResolver } from './deliveries/endpoint.resolver.js';
import { EndpointSecrets } from './deliveries/endpoint.secrets.js';
import { WebhookEndpointService } from './deliveries/endpoint.service.js';
import { EndpointTestService } from './deliveries/endpoint-test.service.js';
import { FanOut } from './deliveries/fan-out.js';
import type { Resolve } from './deliveries/names.js';
import { Sender } from './deliveries/sender.js';
import { TargetGuard } from './deliveries/target.guard.js';
import { exampleOf } from './events/event.examples.js';
import type { Claims } from './platform/idempotency/claims.js';
import { LocalMutations } from './platform/idempotency/local-mutations.js';
import type { Jobs } from './platform/jobs/jobs.js';

/** How long a receiver may take to answer, ms. */
const TIMEOUT_MS = 15_000;

/** What surrounds deliveries. */
export interface DeliverySettings {
  /** Networks that are not of the public internet and that deliveries may reach all the same, by http too. */
  readonly networks: readonly string[];
  /** How long a receiver may take to answer, ms; 15 s if absent. */
  readonly timeoutMs?: number;
  /** Looks names of receivers up; name servers are asked if absent. */
  readonly resolve?: Resolve;
}

/** Everything about telling apps their events. */
export type Deliveries = ReturnType<typeof composeDeliveries>;

/** Endpoints, and what is delivered to them. */
export function composeDeliveries(
  { jobs, claims }: { readonly jobs: Jobs; readonly claims: Claims },
  { vault, metrics: all, database, log, eventTrail }: Foundation,
  { networks, timeoutMs = TIMEOUT_MS, resolve }: DeliverySettings,
) {
  const metrics = new DeliveryMetrics(all);
  exposeDeliveries(all, database, log);
  const guard = new TargetGuard(networks, resolve);
  const secrets = new EndpointSecrets(vault);
  const sender = new Sender({ guard, secrets, metrics, timeoutMs });
  const mutations = new LocalMutations(claims);
  const endpoints = new WebhookEndpointService({ mutations, jobs, guard, secrets });
  const service = new WebhookDeliveryService(mutations, jobs);
  const tests = new EndpointTestService({
    ...{ sender, jobs },
    shown: (endpoint) => eventTrail.snapshotOf('WebhookEndpoint', endpoint),
    exampleOf: (type) => exampleOf(type, (object, row) => eventTrail.snapshotOf(object, row)),
  });
  return {
    endpoints,
    fanOut: new FanOut(jobs),
    deliverer: new Deliverer({ jobs, sender, metrics }),
    resolvers: [new WebhookEndpointResolver(endpoints), new WebhookDeliveryResolver(service, tests)],
  };
}
