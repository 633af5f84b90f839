import { createHmac, timingSafeEqual } from 'node:crypto';

/** The header that carries the signature of a webhook. */
export const TILLED_SIGNATURE_HEADER = 'tilled-signature';

/** What verifySignature found. Missing = no header; stale = too old, too far ahead, or not in milliseconds. */
export type SignatureCheck = { ok: true; timestampMs: number } | { ok: false; reason: 'missing' | 'malformed' | 'stale' | 'mismatch' };

/** The header value for a body: `t=<epoch milliseconds>,v1=<hex hmac>`. */
export function signPayload(input: { secret: string; rawBody: Buffer | string; timestampMs: number }): string {
  const digest = digestOf(input.secret, String(input.timestampMs), input.rawBody);
  return `t=${input.timestampMs},v1=${digest.toString('hex')}`;
}

/**
 * Whether one of the secrets signed exactly these bytes within the tolerance of now, before or after.
 * Every v1 in the header is tried with every secret. Never throws.
 */
export function verifySignature(input: {
  header: string | undefined;
  rawBody: Buffer;
  secrets: readonly string[];
  nowMs: number;
  toleranceMs: number;
}): SignatureCheck {
  if (input.header === undefined || input.header === '') return { ok: false, reason: 'missing' };
  const parsed = parseHeader(input.header);
  if (parsed === null) return { ok: false, reason: 'malformed' };
  // The digest is compared before the time, so that "stale" is said only of a signature that was once good.
  // A forger learns nothing from it: the answer to both is the same refusal.
  if (!isSignedByAny(parsed, input.secrets, input.rawBody)) return { ok: false, reason: 'mismatch' };
  const timestampMs = Number(parsed.timestamp);
  if (Math.abs(input.nowMs - timestampMs) > input.toleranceMs) return { ok: false, reason: 'stale' };
  return { ok: true, timestampMs };
}

interface ParsedHeader {
  timestamp: string;
  digests: Buffer[];
}

function parseHeader(header: string): ParsedHeader | null {
  const timestamps: string[] = [];
  const digests: Buffer[] = [];
  for (const part of header.split(',')) {
    const separator = part.indexOf('=');
    if (separator < 0) return null;
    const scheme = part.slice(0, separator).trim();
    const value = part.slice(separator + 1).trim();
    if (scheme === 't') timestamps.push(value);
    if (scheme === 'v1' && /^[0-9a-f]{64}$/i.test(value)) digests.push(Buffer.from(value, 'hex'));
  }
  const [timestamp] = timestamps;
  if (timestamp === undefined || timestamps.length !== 1 || !/^\d{1,15}$/.test(timestamp) || digests.length === 0) return null;
  return { timestamp, digests };
}

function isSignedByAny(parsed: ParsedHeader, secrets: readonly string[], rawBody: Buffer): boolean {
  let isSigned = false;
  for (const secret of secrets) {
    const expected = digestOf(secret, parsed.timestamp, rawBody);
    for (const digest of parsed.digests) {
      // No early return: the time taken must not tell which secret or digest was near.
      isSigned = timingSafeEqual(expected, digest) || isSigned;
    }
  }
  return isSigned;
}

function digestOf(secret: string, timestamp: string, rawBody: Buffer | string): Buffer {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(rawBody).digest();
}
