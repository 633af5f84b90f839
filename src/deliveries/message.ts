import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { VERSION } from '../platform/version.js';
import type { Message } from './post.js';

/** An event as it is told. */
export interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: string;
  readonly sequence: number;
  readonly cause: string;
  /** The object as the API shows it, JSON text. */
  readonly payload: string;
  readonly occurredAt: Date;
}

const SECRET_BYTES = 32;

/** A secret that an endpoint's messages are signed with, as Standard Webhooks writes it. */
export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** How messages are signed, with each of these secrets. Decoding one costs, so this is made once for many messages. */
export function signerWith(secrets: readonly string[]): (id: string, at: Date, body: string) => string {
  const hooks = secrets.map((secret) => new Webhook(secret));
  return (id, at, body) => hooks.map((hook) => hook.sign(id, at, body)).join(' ');
}

/** The message of an event as Standard Webhooks has it, signed now. An event has the same id and body each time. */
export function messageOf(event: ToldEvent, now: Date, sign: ReturnType<typeof signerWith>): Message {
  const body = bodyOf(event);
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `billing-gateway/${VERSION}`,
      'webhook-id': event.id,
      // In seconds: receivers take milliseconds for a time far in the future.
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': sign(event.id, now, body),
    },
  };
}

/** The snapshot goes in as it was written, byte by byte. */
function bodyOf({ type, occurredAt, schemaVersion, payload, sequence, cause }: ToldEvent): string {
  const head = JSON.stringify({ type, timestamp: occurredAt.toISOString(), schemaVersion }).slice(0, -1);
  return `${head},"data":{"object":${payload},"sequence":${sequence},"cause":${JSON.stringify(cause)}}}`;
}
