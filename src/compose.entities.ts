import 'reflect-metadata';
import { ApiKey } from './access/api-key.entity.js';
import { App } from './access/app.entity.js';
import { Operation } from './access/operation.entity.js';
import { ImportItem } from './backoffice/imports/import-item.entity.js';
import { ImportRun } from './backoffice/imports/import-run.entity.js';
import { Reconciled, Reconciliation } from './backoffice/reconciliation/reconciliation.entity.js';
import { BackupRun } from './backup/backup-run.entity.js';
import { Customer } from './billing/customers/customer.entity.js';
import { Erasure } from './billing/customers/erasure.entity.js';
import { Dispute } from './billing/disputes/dispute.entity.js';
import { Divergence } from './billing/kit/divergence.entity.js';
import { PaymentMethod } from './billing/payment-methods/payment-method.entity.js';
import { Payment } from './billing/payments/payment.entity.js';
import { Refund } from './billing/refunds/refund.entity.js';
import { AppSettings } from './billing/settings/settings.entity.js';
import { Subscription } from './billing/subscriptions/subscription.entity.js';
import { WebhookDelivery } from './deliveries/delivery.entity.js';
import { WebhookEndpoint } from './deliveries/endpoint.entity.js';
import { TOLD_ENDPOINT } from './deliveries/told-endpoint.js';
import { AppEvent } from './events/app-event.entity.js';
import { type Told } from './events/told.js';
import { TOLD_NOUNS } from './events/told-nouns.js';
import { Cursor } from './platform/cursors.js';
import { HeartbeatRow } from './platform/db/replicas/heartbeat.entity.js';
import { IdempotencyKey } from './platform/idempotency/idempotency-key.entity.js';
import { Job } from './platform/jobs/job.entity.js';
import { LimitCounter } from './platform/limits/limit-counter.entity.js';
import { LimitSetting } from './platform/limits/limit-setting.entity.js';
import type { Audited } from './platform/outbox/audit-trail.js';
import { OutboxEvent } from './platform/outbox/outbox-event.entity.js';
import { Attestation } from './preflight/attestation.entity.js';
import { WebhookEvent } from './webhooks/webhook-event.entity.js';
import { WebhookFact } from './webhooks/webhook-fact.entity.js';
import { WebhookSecret } from './webhooks/webhook-secret.entity.js';

const BILLING_ENTITIES = [
  App,
  ApiKey,
  Operation,
  AppSettings,
  Customer,
  Erasure,
  PaymentMethod,
  Subscription,
  Payment,
  Refund,
  Dispute,
  Divergence,
  Reconciled,
  Reconciliation,
  WebhookEvent,
  WebhookFact,
  WebhookSecret,
  WebhookEndpoint,
  WebhookDelivery,
  ImportRun,
  ImportItem,
];
/** Every table of the database. */
export const ENTITIES = [
  ...[...BILLING_ENTITIES, IdempotencyKey, Job, OutboxEvent, AppEvent, Cursor, LimitCounter, LimitSetting],
  ...[BackupRun, Attestation, HeartbeatRow],
];

/** Whose changes are written down, and which of their fields tell about a person or may, as free text does. */
export const AUDITED: Readonly<Record<string, Audited>> = {
  [ApiKey.name]: { noun: 'api_key', hidden: ['hash', 'hint'] },
  [AppSettings.name]: { noun: 'app_settings', hidden: [] },
  [Customer.name]: { noun: 'customer', hidden: ['email', 'name', 'externalId', 'metadata'] },
  [PaymentMethod.name]: { noun: 'payment_method', hidden: ['last4', 'expMonth', 'expYear', 'bankName', 'bankLast'] },
  [Subscription.name]: { noun: 'subscription', hidden: ['metadata'] },
  [Payment.name]: { noun: 'payment', hidden: ['description', 'referenceId', 'referenceHeld', 'failureMessage', 'metadata'] },
  [Refund.name]: { noun: 'refund', hidden: ['referenceId', 'referenceHeld', 'failureMessage', 'metadata'] },
  [Dispute.name]: { noun: 'dispute', hidden: ['reason'] },
  // What stands in a URL may be a credential.
  [WebhookEndpoint.name]: { noun: 'webhook_endpoint', hidden: ['url', 'secretSealed', 'previousSecretSealed'] },
};

/** Of which changes an app is told, and how, by the name of the entity's class. */
export const TOLD: Readonly<Record<string, Told>> = { ...TOLD_NOUNS, [WebhookEndpoint.name]: TOLD_ENDPOINT };
