import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import { WebhookSecret } from './webhook-secret.entity.js';

/** The webhook secrets of an app. */
export class WebhookSecretRepository extends TenantRepository<WebhookSecret> {
  protected readonly entity = WebhookSecret;
  protected readonly noun = 'webhook secret';

  /** Those that are accepted now, newest first. */
  async active(): Promise<WebhookSecret[]> {
    const now = this.scope.now();
    return (await this.rows({})).filter((secret) => secret.expiresAt === null || secret.expiresAt > now).reverse();
  }
}
