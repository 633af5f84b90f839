import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

const SECRET_BYTES = 32;

/** Signs a body: what receivers are sent in webhook-signature. */
export type Sign = (id: string, at: Date, body: string) => string;

/** A secret that messages are signed with, as Standard Webhooks writes it. */
export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** How messages are signed, with each of these secrets. Decoding one costs, so this is made once for many messages. */
export function signerWith(secrets: readonly string[]): Sign {
  const hooks = secrets.map((secret) => new Webhook(secret));
  return (id, at, body) => hooks.map((hook) => hook.sign(id, at, body)).join(' ');
}

/** The headers of a message that is sent at a moment. Its id is the same each time. */
export function signedHeaders(id: string, at: Date, body: string, sign: Sign): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'webhook-id': id,
    // In seconds: receivers take milliseconds for a time far in the future.
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': sign(id, at, body),
  };
}
