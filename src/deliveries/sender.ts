import { signerWith } from '../platform/standard-webhooks.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { DeliveryMetrics } from './delivery.metrics.js';
import type { WebhookEndpoint } from './endpoint.entity.js';
import type { EndpointSecrets } from './endpoint.secrets.js';
import { GuardedAgents } from './guarded-agents.js';
import { messageOf, type ToldEvent } from './message.js';
import { post, type Reply } from './post.js';
import type { TargetGuard } from './target.guard.js';

interface SenderParts {
  readonly guard: TargetGuard;
  readonly secrets: EndpointSecrets;
  readonly metrics: DeliveryMetrics;
  /** How long a receiver may take to answer, ms. */
  readonly timeoutMs: number;
}

/** Signs events and posts them, each once. */
export class Sender {
  private readonly agents: GuardedAgents;

  constructor(private readonly parts: SenderParts) {
    this.agents = new GuardedAgents(parts.guard, parts.timeoutMs);
  }

  /** What posts events to an endpoint. Throws SecretUnreadable; a post never throws. */
  to(endpoint: WebhookEndpoint, scope: Scope): (delivery: { readonly event: ToldEvent }) => Promise<Reply> {
    const { secrets, metrics, timeoutMs } = this.parts;
    const sign = signerWith(secrets.active(endpoint, scope.now()));
    const url = new URL(endpoint.url);
    return async ({ event }) => {
      const reply = await post(url, messageOf(event, scope.now(), sign), this.agents, timeoutMs);
      metrics.seconds.observe(reply.durationMs / 1_000);
      return reply;
    };
  }
}
