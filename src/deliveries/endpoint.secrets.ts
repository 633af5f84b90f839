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
  active({ appId, id, secretSealed, previousSecretSealed, previousExpiresAt }: Sealed, now: Date): string[] {
    const current = secretSealed === null ? [] : [this.vault.open(secretSealed, placeOf(ENDPOINT_SECRET, appId, id))];
    if (previousSecretSealed === null || previousExpiresAt === null || previousExpiresAt <= now) return current;
    return [...current, this.vault.open(previousSecretSealed, placeOf(PREVIOUS_ENDPOINT_SECRET, appId, id))];
  }

  /** The current secret, sealed for the place of the one before. */
  demoted({ appId, id, secretSealed }: Sealed): string | null {
    if (secretSealed === null) return null;
    return this.vault.seal(
      this.vault.open(secretSealed, placeOf(ENDPOINT_SECRET, appId, id)),
      placeOf(PREVIOUS_ENDPOINT_SECRET, appId, id),
    );
  }
}
