import type { TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import { SINGLE_USE_LIFE_MS } from '../assumptions.js';
import type { Call, Route } from '../call.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import { Fields } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { AccountRecord, TokenRecord } from '../records.js';
import type { MethodDetails } from './payment-method-input.js';
import { billingDetails, methodDetails } from './payment-method-input.js';

/** The deprecated operation that makes a token of a bank account. */
export const tokenRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/payment-methods/ach-debit-token',
    status: 201,
    area: 'payment_methods',
    isPublishable: true,
    handle: createAchToken,
  },
];

/** Makes a token of a body like that of a payment method. Only the sandbox knows such tokens. Within a transaction. */
export function addToken(call: Pick<Call, 'engine' | 'account' | 'body'>): TokenRecord {
  const { engine, account } = call;
  const fields = new Fields(call.body);
  const type = fields.requiredOneOf('type', PAYMENT_METHOD_TYPES);
  const details = methodDetails({ fields, type, billing: billingDetails(fields, null), nowMs: engine.clock.now() });
  fields.assertValid();
  const token: TokenRecord = {
    id: engine.ids.object('tok_emu'),
    account_id: account.id,
    expires_at: isoTime(engine.clock.now() + SINGLE_USE_LIFE_MS),
    details: { ...details, type },
  };
  engine.store.tokens.put(token);
  return token;
}

/** Uses a token up and gives what it stands for. 400 if unknown, used, expired or of another type. In a transaction. */
export function spendToken(engine: Engine, input: { token: string; type: TilledPaymentMethodType; account: AccountRecord }): MethodDetails {
  const { token, type, account } = input;
  const standing = standingToken(engine, token);
  if (standing?.type === type) return standing.details;
  const record = engine.store.tokens.get(token);
  const isGood = record?.account_id === account.id && record.details.type === type && Date.parse(record.expires_at) > engine.clock.now();
  if (record === undefined || !isGood) throw badRequest('payment_token is invalid, expired or already used');
  engine.store.tokens.delete(token);
  return record.details;
}

/** Tokens that are always good, any number of times: `tok_emu_visa` and the like, for tests that want no setup. */
function standingToken(engine: Engine, token: string): { type: TilledPaymentMethodType; details: MethodDetails } | undefined {
  const body = STANDING_TOKENS[token];
  if (body === undefined) return undefined;
  const type = body.card === undefined ? 'ach_debit' : 'card';
  return { type, details: methodDetails({ fields: new Fields(body), type, billing: null, nowMs: engine.clock.now() }) };
}

const EXPIRY = { exp_month: 12, exp_year: 2099, cvc: '123' };
const STANDING_TOKENS: Record<string, { card?: unknown; ach_debit?: unknown }> = {
  tok_emu_visa: { card: { ...EXPIRY, number: '4111111111111111' } },
  tok_emu_visa_debit: { card: { ...EXPIRY, number: '4900770000000001' } },
  tok_emu_mastercard: { card: { ...EXPIRY, number: '5100400000000000' } },
  tok_emu_discover: { card: { ...EXPIRY, number: '6011234567890123' } },
  tok_emu_amex: { card: { ...EXPIRY, number: '370123456789017', cvc: '1234' } },
  tok_emu_ach: {
    ach_debit: { account_holder_name: 'Sandbox Payer', account_number: '123456789', account_type: 'checking', routing_number: '021101108' },
  },
};

function createAchToken(call: Call): unknown {
  const fields = new Fields(call.body);
  fields.requiredObject('ach_debit');
  fields.requiredObject('billing_details');
  fields.assertValid();
  const body = { ...(typeof call.body === 'object' ? call.body : {}), type: 'ach_debit' };
  const token = addToken({ ...call, body });
  const now = call.engine.clock.iso();
  return { payment_token: token.id, details: token.details.ach_debit, expires_at: token.expires_at, created_at: now, updated_at: now };
}
