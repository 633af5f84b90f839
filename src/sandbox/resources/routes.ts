import type { TilledHealth } from '../../tilled/tilled.shapes.js';
import type { Route } from '../call.js';
import { accountRoutes } from './accounts.js';
import { chargeRoutes } from './charges.js';
import { checkoutSessionRoutes } from './checkout-sessions.js';
import { customerRoutes } from './customers.js';
import { disputeRoutes } from './disputes.js';
import { eventRoutes } from './events.js';
import { fileRoutes } from './files.js';
import { paymentIntentRoutes } from './payment-intents.js';
import { paymentMethodRoutes } from './payment-methods.js';
import { refundRoutes } from './refunds.js';
import { subscriptionRoutes } from './subscriptions.js';
import { tokenRoutes } from './tokens.js';
import { webhookEndpointRoutes } from './webhook-endpoints.js';

const HEALTH: TilledHealth = { status: 'pass', description: 'The sandbox of the billing gateway', notes: [], version: '1.0' };

/** Every operation the sandbox knows. */
export const allRoutes: Route[] = [
  { method: 'GET', path: '/v1/health', status: 200, handle: () => HEALTH },
  ...accountRoutes,
  ...customerRoutes,
  ...tokenRoutes,
  ...paymentMethodRoutes,
  ...paymentIntentRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...fileRoutes,
  ...subscriptionRoutes,
  ...checkoutSessionRoutes,
  ...eventRoutes,
  ...webhookEndpointRoutes,
];
