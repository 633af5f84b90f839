import type { BillingEvent } from './events.js';

/** Why a delivery was not believed. */
export type RejectionCode = 'MISSING_HEADERS' | 'TOO_OLD' | 'TOO_NEW' | 'WRONG_SIGNATURE' | 'MALFORMED';

/** The delivery is not from the gateway, or is not what it sends: answer 400, and do nothing. */
export class WebhookRejected extends Error {
  readonly code: RejectionCode;

  constructor(code: RejectionCode, message: string) {
    super(message);
    this.name = 'WebhookRejected';
    this.code = code;
  }
}

/** Headers as any server has them: those of a fetch, whichever, or an object with names in any case. */
export type WebhookHeaders = Pick<Headers, 'get'> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** For how long a signature is good, in both directions, s. */
const TOLERANCE_SECONDS = 300;
const PREFIX = 'whsec_';
/** So many signatures are looked at: each is another pass over a body that anybody may have sent. */
const SIGNATURES_MAX = 8;
const HMAC = { name: 'HMAC', hash: 'SHA-256' };

/** What the gateway sends to your endpoint. */
export const webhooks = {
  /**
   * The event of a delivery, if it was signed with one of these secrets (`whsec_…`; two while one takes the place of
   * another) in the last five minutes. `rawBody` are the bytes as they came: text that was parsed and written again has
   * another signature. The same event may come again: its `id` stays. Throws WebhookRejected; TypeError if the body was
   * parsed, if there is no secret, or if one is none.
   */
  async verify(
    rawBody: string | Uint8Array | ArrayBuffer,
    headers: WebhookHeaders,
    secrets: string | readonly string[],
  ): Promise<BillingEvent> {
    const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(headers, name));
    if (!id || !timestamp || !signatures)
      throw new WebhookRejected('MISSING_HEADERS', 'A delivery has the headers webhook-id, webhook-timestamp and webhook-signature.');
    assertNow(timestamp);
    const body = bytesIn(rawBody);
    const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
    if (!(await isSigned(signed, signatures, [secrets].flat())))
      throw new WebhookRejected('WRONG_SIGNATURE', 'No signature of the delivery is of one of the secrets.');
    return eventIn(id, new TextDecoder().decode(body));
  },
};

/** Throws TypeError for what is neither text nor bytes: the receiver's own fault. */
function bytesIn(rawBody: unknown): Uint8Array {
  if (typeof rawBody === 'string') return new TextEncoder().encode(rawBody);
  if (ArrayBuffer.isView(rawBody)) return new Uint8Array(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength);
  // Not by its class alone: it may be of another frame.
  if (Object.prototype.toString.call(rawBody) === '[object ArrayBuffer]') return new Uint8Array(rawBody as ArrayBuffer);
  throw new TypeError('rawBody is the body as it came, text or bytes: not what a parser made of it, such as express.json().');
}

function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  // Not by its class: frameworks bring one of their own, and pages have one a frame.
  if (isOfFetch(headers)) return headers.get(name) ?? undefined;
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? [];
  return typeof value === 'string' ? value : value?.join(' ');
}

function isOfFetch(headers: WebhookHeaders): headers is Pick<Headers, 'get'> {
  return typeof headers.get === 'function';
}

function assertNow(timestamp: string): void {
  const ageSeconds = Math.floor(Date.now() / 1_000) - (/^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN);
  if (Number.isNaN(ageSeconds)) throw new WebhookRejected('MALFORMED', 'webhook-timestamp is a number of seconds.');
  if (ageSeconds > TOLERANCE_SECONDS) throw new WebhookRejected('TOO_OLD', 'The delivery was signed more than five minutes ago.');
  if (ageSeconds < -TOLERANCE_SECONDS) throw new WebhookRejected('TOO_NEW', 'The delivery was signed more than five minutes from now.');
}

/** Whether one of the signatures is of one of the secrets. The platform compares them, in constant time. */
async function isSigned(signed: Uint8Array<ArrayBuffer>, signatures: string, secrets: readonly string[]): Promise<boolean> {
  if (secrets.length === 0) throw new TypeError('Give the secret of the endpoint, whsec_…, or both while it is rotated.');
  const versioned = signatures.split(' ').filter((one) => one.startsWith('v1,'));
  const given = versioned.slice(0, SIGNATURES_MAX);
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey('raw', secretBytes(secret), HMAC, false, ['verify']);
    for (const signature of given) {
      const bytes = bytesOf(signature.slice('v1,'.length));
      if (bytes !== null && (await crypto.subtle.verify('HMAC', key, bytes, signed))) return true;
    }
  }
  return false;
}

function secretBytes(secret: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof secret === 'string' && secret.startsWith(PREFIX) ? bytesOf(secret.slice(PREFIX.length)) : null;
  if (bytes === null || bytes.length === 0) throw new TypeError('A secret is whsec_ and base64 after it.');
  return bytes;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

function eventIn(id: string, text: string): BillingEvent {
  const body = parsed(text);
  if (!isEventBody(body)) throw new WebhookRejected('MALFORMED', 'The body is not that of an event.');
  const { type, timestamp, schemaVersion, data } = body;
  return { id, type, timestamp, schemaVersion, data } as BillingEvent;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isEventBody(body: unknown): body is Omit<BillingEvent, 'id'> {
  if (typeof body !== 'object' || body === null) return false;
  const { type, timestamp, schemaVersion, data } = body as Readonly<Record<string, unknown>>;
  if (![type, timestamp, schemaVersion].every((text) => typeof text === 'string') || typeof data !== 'object' || data === null)
    return false;
  const { object, sequence, cause } = data as Readonly<Record<string, unknown>>;
  return typeof object === 'object' && object !== null && Number.isInteger(sequence) && typeof cause === 'string';
}
