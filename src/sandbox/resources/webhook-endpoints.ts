import type { TilledEventType, TilledWebhookEndpoint } from '../../tilled/tilled.shapes.js';
import { EVENT_TYPES, HEAD_ONLY_EVENT_TYPES } from '../../tilled/tilled.shapes.js';
import type { Call, Route } from '../call.js';
import { listPage, recordOf } from '../call.js';
import { Fields } from '../fields.js';
import type { WebhookEndpointRecord } from '../records.js';

const AREA = { area: 'webhook_endpoints' };

/** The operations on webhook endpoints. */
export const webhookEndpointRoutes: Route[] = [
  { method: 'POST', path: '/v1/webhook-endpoints', status: 201, ...AREA, handle: createEndpoint },
  { method: 'GET', path: '/v1/webhook-endpoints', status: 200, ...AREA, handle: listEndpoints },
  { method: 'GET', path: '/v1/webhook-endpoints/:id', status: 200, ...AREA, handle: (call) => withoutSecret(endpointOf(call)) },
  { method: 'PATCH', path: '/v1/webhook-endpoints/:id', status: 200, ...AREA, handle: updateEndpoint },
  { method: 'DELETE', path: '/v1/webhook-endpoints/:id', status: 204, ...AREA, handle: deleteEndpoint },
];

const ENABLEABLE: readonly (TilledEventType | '*')[] = ['*', ...EVENT_TYPES, ...HEAD_ONLY_EVENT_TYPES];

/** Known: the secret is shown in this answer and never again. */
function createEndpoint(call: Call): TilledWebhookEndpoint {
  const { engine } = call;
  const fields = new Fields(call.body);
  const url = urlOf(fields, fields.requiredText('url'));
  const enabledEvents = fields.requiredListOf('enabled_events', ENABLEABLE);
  const description = fields.text('description', { max: 255 }) ?? null;
  fields.assertValid();
  const now = engine.clock.iso();
  const endpoint: WebhookEndpointRecord = {
    id: engine.ids.object('we'),
    account_id: call.account.id,
    url,
    enabled_events: enabledEvents,
    description,
    secret: engine.ids.secret('whsec', 40),
    created_at: now,
    updated_at: now,
  };
  engine.store.webhookEndpoints.put(endpoint);
  return endpoint;
}

function listEndpoints(call: Call): unknown {
  return listPage(call, { collection: call.engine.store.webhookEndpoints, render: withoutSecret });
}

function updateEndpoint(call: Call): TilledWebhookEndpoint {
  const current = endpointOf(call);
  const fields = new Fields(call.body);
  const url = urlOf(fields, fields.text('url') ?? current.url);
  const description = fields.text('description', { max: 255 });
  const enabledEvents = fields.listOf('enabled_events', ENABLEABLE) ?? current.enabled_events;
  fields.assertValid();
  const updated: WebhookEndpointRecord = {
    ...current,
    url,
    enabled_events: enabledEvents,
    description: description === undefined ? current.description : description,
    updated_at: call.engine.clock.iso(),
  };
  call.engine.store.webhookEndpoints.put(updated);
  return withoutSecret(updated);
}

function deleteEndpoint(call: Call): void {
  call.engine.store.webhookEndpoints.delete(endpointOf(call).id);
}

function endpointOf(call: Call): WebhookEndpointRecord {
  return recordOf(call, call.engine.store.webhookEndpoints, 'Webhook endpoint');
}

function withoutSecret(record: WebhookEndpointRecord): TilledWebhookEndpoint {
  const { secret: _secret, ...shown } = record;
  return shown;
}

/** Plain HTTP is let through: here receivers are on the same machine. */
function urlOf(fields: Fields, url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url)) fields.refuse('url must be a URL address');
  return url;
}
