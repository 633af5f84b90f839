import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { CheckResult } from './check.js';

/** The variable whose secret signs a report. */
export type SigningKey = { readonly from: 'BILLING_ENCRYPTION_KEY' | 'TILLED_SECRET_KEY'; readonly secret: string };

const RESULT = z.strictObject({
  id: z.string(),
  phase: z.number(),
  status: z.enum(['ok', 'failed', 'attested', 'not_applicable']),
  evidence: z.string(),
  todo: z.string().nullable(),
});

const REPORT = z.strictObject({
  version: z.literal(1),
  madeAt: z.string(),
  publicUrl: z.string().nullable(),
  phase: z.number().nullable(),
  isRehearsal: z.boolean(),
  isReady: z.boolean(),
  counts: z.record(z.string(), z.number()),
  checks: z.array(RESULT),
  signature: z.strictObject({ algorithm: z.literal('HMAC-SHA256'), keyFrom: z.string(), value: z.string() }),
});

/** What `billing preflight --json` prints: the checks, and a signature over everything before it. */
export type Report = z.infer<typeof REPORT>;

interface ReportFacts {
  readonly madeAt: Date;
  readonly publicUrl: string | null;
  readonly phase: number | null;
  readonly isRehearsal: boolean;
}

/** The signed report of a run. */
export function reportOf(checks: readonly CheckResult[], { madeAt, ...facts }: ReportFacts, key: SigningKey): Report {
  const counts = Object.fromEntries(
    ['ok', 'attested', 'not_applicable', 'failed'].map((status) => [status, checks.filter((check) => check.status === status).length]),
  );
  const isReady = checks.every(({ status }) => status !== 'failed');
  const content = { version: 1 as const, madeAt: madeAt.toISOString(), ...facts, isReady, counts, checks: [...checks] };
  return { ...content, signature: { algorithm: 'HMAC-SHA256', keyFrom: key.from, value: signatureOf(content, key).toString('hex') } };
}

/** What a file says if the key that signed it is among these, and nothing was changed since; null otherwise. */
export function verifiedReport(text: string, keys: readonly SigningKey[]): Report | null {
  const parsed = REPORT.safeParse(jsonOf(text));
  if (!parsed.success) return null;
  const { signature, ...content } = parsed.data;
  const given = Buffer.from(signature.value, 'hex');
  const isSigned = keys.some((key) => {
    const expected = signatureOf(content, key);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return isSigned ? parsed.data : null;
}

/** The key is derived, so that the secret itself signs nothing but what it is for. */
function signatureOf(content: Omit<Report, 'signature'>, { secret }: SigningKey): Buffer {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'billing preflight report', 32));
  return createHmac('sha256', key).update(canonical(content)).digest();
}

/** The same text for the same content, however its keys are ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : item,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
