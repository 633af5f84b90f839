import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whether these bytes were signed with the secret; as every webhook tutorial does it. */
export function isSigned(header = '', raw: Buffer): boolean {
  const parts = Object.fromEntries(header.split(',').map((part) => part.split('=') as [string, string]));
  if (parts.t === undefined || parts.v1?.length !== 64) return false;
  const expected = createHmac('sha256', process.env.WEBHOOK_SECRET ?? '')
    .update(`${parts.t}.`)
    .update(raw)
    .digest();
  return Math.abs(Date.now() - Number(parts.t)) < 300_000 && timingSafeEqual(expected, Buffer.from(parts.v1, 'hex'));
}
