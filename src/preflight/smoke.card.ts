import { z } from 'zod';
import type { Scope } from '../platform/tenancy/scope.js';
import { type PreflightParts, probe } from './parts.js';

const PRODUCTION = 'https://api.tilled.com';

/** The processor's test card as hosted fields send it: with the publishable key, never to the gateway. */
const CARD = { number: ['4111', '1111', '1111', '1111'].join(''), exp_month: 12, exp_year: 2031, cvc: '123' };
const BILLING = { name: 'Smoke Test', address: { street: '1 Main St', zip: '12345', country: 'US' } };

/** A test card, tokenised at Tilled's sandbox. Null in production, which has none. Throws if refused. */
export async function testCard({ tilled }: PreflightParts, scope: Scope): Promise<string | null> {
  if (tilled.baseUrl === PRODUCTION) return null;
  const { status, text } = await probe(`${tilled.baseUrl}/v1/payment-methods`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'tilled-api-key': tilled.publicKey,
      'tilled-account': scope.caller.app.processorAccountId,
    },
    body: JSON.stringify({ type: 'card', card: CARD, billing_details: BILLING }),
  });
  const made = z.object({ id: z.string() }).safeParse(JSON.parse(text));
  if (!made.success) throw new Error(`Tilled did not take the test card: ${status}.`);
  return made.data.id;
}
