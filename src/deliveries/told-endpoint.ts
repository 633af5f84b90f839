import type { Told } from '../events/told.js';
import type { DisabledReason, WebhookEndpoint } from './endpoint.entity.js';

/** Why we disable an endpoint by ourselves. */
export const BY_OURSELVES: readonly DisabledReason[] = ['gone', 'failed_for_five_days'];

/** The app is told of an endpoint only what it did not do itself. */
export const TOLD_ENDPOINT: Told<WebhookEndpoint> = {
  object: 'WebhookEndpoint',
  stands: () => true,
  changes: (before, { disabledReason }) => {
    const isNews = before !== null && disabledReason !== null && disabledReason !== before.disabledReason;
    return isNews && BY_OURSELVES.includes(disabledReason) ? ['webhook_endpoint.disabled'] : [];
  },
  otherwise: null,
  removed: null,
  personOf: () => null,
};
