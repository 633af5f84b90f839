import { signPayload } from '../tilled/tilled.signature.js';
import type { Engine } from './engine.js';
import { Fields, isObject } from './fields.js';
import { badRequest, notFound } from './http-error.js';
import type { WebhookEndpointRecord } from './records.js';
import { sortedJson } from './sorted-json.js';

/**
 * {paused?, reorder?, duplicate?, lose?} change how events are delivered from now on; {redeliver: {eventId,
 * endpointId?}} sends one again; {forge: {...}} posts what Tilled never would. Gives the settings, and what a forgery
 * was answered.
 */
export async function changeWebhooks(engine: Engine, body: unknown): Promise<unknown> {
  const fields = new Fields(body);
  const { settings } = engine.webhooks;
  const changed = {
    paused: fields.boolean('paused') ?? settings.paused,
    newestFirst: fields.boolean('reorder') ?? settings.newestFirst,
    duplicate: fields.integer('duplicate', { min: 0 }) ?? settings.duplicate,
    lose: fields.integer('lose', { min: 0 }) ?? settings.lose,
  };
  const again = fields.object('redeliver');
  const eventId = again?.requiredText('eventId');
  const endpointId = again?.text('endpointId') ?? undefined;
  fields.assertValid();
  Object.assign(settings, changed);
  if (eventId !== undefined) engine.transaction(() => redeliver(engine, eventId, endpointId));
  const forged = isObject(body) && body.forge !== undefined ? await forge(engine, new Fields(body.forge), body.forge) : undefined;
  return { settings: { ...settings }, forged };
}

function redeliver(engine: Engine, eventId: string, endpointId: string | undefined): void {
  const event = engine.store.events.get(eventId);
  if (event === undefined) throw notFound('Event', eventId);
  const partnerId = engine.store.accounts.get(event.account_id)?.partner_id;
  for (const endpoint of engine.store.webhookEndpoints.records()) {
    const isItsOwn = endpoint.account_id === event.account_id || endpoint.account_id === partnerId;
    if (isItsOwn && (endpointId === undefined || endpointId === endpoint.id)) engine.webhooks.redeliver(event.id, endpoint);
  }
}

/** {endpointId | url, event? | rawBody?, secret?, timestampMs?, signature?}: by default a body with a wrong secret. */
async function forge(engine: Engine, fields: Fields, forgery: unknown): Promise<{ status: number }> {
  const url = targetOf(engine, fields);
  const rawBody =
    fields.text('rawBody', { max: 10_000_000 }) ?? sortedJson(isObject(forgery) && forgery.event !== undefined ? forgery.event : {});
  const secret = fields.text('secret') ?? 'whsec_forged';
  const timestampMs = fields.integer('timestampMs') ?? engine.webhooks.signatureTimeMs();
  const signature = fields.text('signature') ?? signPayload({ secret, rawBody, timestampMs });
  fields.assertValid();
  return { status: await engine.webhooks.send(url, rawBody, signature) };
}

function targetOf(engine: Engine, fields: Fields): string {
  const url = fields.text('url');
  if (url) return url;
  const endpoint: WebhookEndpointRecord | undefined = engine.store.webhookEndpoints.get(fields.text('endpointId') ?? '');
  if (endpoint === undefined) throw badRequest('forge needs a url or the endpointId of an endpoint');
  return endpoint.url;
}
