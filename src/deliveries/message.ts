import { type Sign, signedHeaders } from '../platform/standard-webhooks.js';
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

/** The message of an event as Standard Webhooks has it, signed now. An event has the same id and body each time. */
export function messageOf(event: ToldEvent, now: Date, sign: Sign): Message {
  const body = bodyOf(event);
  return { body, headers: { 'user-agent': `billing-gateway/${VERSION}`, ...signedHeaders(event.id, now, body, sign) } };
}

/** The snapshot goes in as it was written, byte by byte. */
function bodyOf({ type, occurredAt, schemaVersion, payload, sequence, cause }: ToldEvent): string {
  const head = JSON.stringify({ type, timestamp: occurredAt.toISOString(), schemaVersion }).slice(0, -1);
  return `${head},"data":{"object":${payload},"sequence":${sequence},"cause":${JSON.stringify(cause)}}}`;
}
