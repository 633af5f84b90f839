import { ENDPOINT_SECRET, PREVIOUS_ENDPOINT_SECRET, placeOf } from '../access/secret-places.js';
import type { Vault } from '../platform/vault.js';
import type { WebhookEndpoint } from './endpoint.entity.js';

type Sealed = Pick<WebhookEndpoint, 'appId' | 'id' | 'secretSealed' | 'previousSecretSealed' | 'previousExpiresAt'>;

/** The secrets of endpoints, sealed in their rows. */
export class EndpointSecrets {
  constructor(private readonly vault: Vault) {}

  /** A secret as the row of an endpoint keeps it. */
  seal(secret: string, appId: string, id: string): string {
    return this.vault.seal(secret, placeOf(ENDPOINT_SECRET, appId, id));
  }

  /** Those that sign at a moment, the newest first. Throws SecretUnreadable. */
  active(endpoint: Sealed, now: Date): string[] {
    const { appId, id, previousSecretSealed, previousExpiresAt } = endpoint;
    const current = this.current(endpoint);
    const newest = current === null ? [] : [current];
    if (previousSecretSealed === null || previousExpiresAt === null || previousExpiresAt <= now) return newest;
    return [...newest, this.vault.open(previousSecretSealed, placeOf(PREVIOUS_ENDPOINT_SECRET, appId, id))];
  }

  /** The newest; null once the endpoint is deleted. Throws SecretUnreadable. */
  current({ appId, id, secretSealed }: Sealed): string | null {
    return secretSealed === null ? null : this.vault.open(secretSealed, placeOf(ENDPOINT_SECRET, appId, id));
  }

  /** The current secret, sealed for the place of the one before. */
  demoted(endpoint: Sealed): string | null {
    const current = this.current(endpoint);
    return current === null ? null : this.vault.seal(current, placeOf(PREVIOUS_ENDPOINT_SECRET, endpoint.appId, endpoint.id));
  }
}
