import { ACCOUNT_TYPES, CAPABILITY_STATUSES, PAYMENT_METHOD_TYPES } from '../tilled/tilled.shapes.js';
import { CANCELS, type FaultInput, REPEATS } from './faults.js';
import { Fields, isObject } from './fields.js';
import type { LatencyOptions } from './latency.js';
import type { ProvisionInput } from './provision.js';

/** The fault a test asks for. Throws a 400 that names everything wrong. */
export function faultInput(fields: Fields, body: unknown): FaultInput {
  const input: FaultInput = {
    operation: fields.text('operation') ?? '* /v1/*',
    times: fields.integer('times', { min: 1 }) ?? undefined,
    skip: fields.integer('skip', { min: 0 }) ?? undefined,
    probability: isObject(body) && typeof body.probability === 'number' ? body.probability : undefined,
    seed: fields.integer('seed') ?? undefined,
    delayMs: fields.integer('delayMs', { min: 0 }) ?? undefined,
    status: fields.integer('status', { min: 200, max: 599 }) ?? undefined,
    retryAfterSeconds: fields.integer('retryAfterSeconds', { min: 0 }) ?? undefined,
    body: isObject(body) ? body.body : undefined,
    drop: fields.boolean('drop') ?? undefined,
    when: fields.oneOf('when', ['before', 'after', 'during']) ?? undefined,
    repeat: fields.oneOf('repeat', REPEATS) ?? undefined,
    cancel: fields.oneOf('cancel', CANCELS) ?? undefined,
  };
  const isDuring = input.when === 'during';
  if (isDuring && input.delayMs === undefined) fields.refuse('delayMs is required when a write is to be under way');
  if (!isDuring && (input.repeat ?? input.cancel) !== undefined) fields.refuse('repeat and cancel are for when: during');
  if (input.delayMs === undefined && input.status === undefined && input.drop !== true)
    fields.refuse('one of delayMs, status and drop is required');
  fields.assertValid();
  return input;
}

/** The latency a load test asks for. */
export function latencyOptions(body: Record<string, unknown>): LatencyOptions {
  const fields = new Fields(body);
  const options = { ...shapeOf(fields), seed: fields.integer('seed') ?? 0 };
  const operations = Object.entries(isObject(body.operations) ? body.operations : {}).map(([operation, shape]) => {
    const inner = new Fields(shape);
    const read = shapeOf(inner);
    inner.assertValid();
    return [operation, read] as const;
  });
  fields.assertValid();
  return { ...options, operations: Object.fromEntries(operations) };
}

function shapeOf(fields: Fields): { medianMs: number; sigma: number } {
  return { medianMs: fields.requiredDecimal('medianMs', { min: 0 }), sigma: fields.requiredDecimal('sigma', { min: 0, max: 3 }) };
}

/** The account a test asks for. Problems are left with the fields. */
export function provisionInput(fields: Fields): ProvisionInput {
  return {
    accountId: fields.text('accountId', { min: 1, max: 64 }) ?? undefined,
    secretKey: fields.text('secretKey', { min: 4, max: 200 }) ?? undefined,
    publishableKey: fields.text('publishableKey', { min: 4, max: 200 }) ?? undefined,
    name: fields.text('name', { max: 255 }) ?? undefined,
    type: fields.oneOf('type', ACCOUNT_TYPES) ?? undefined,
    partnerId: fields.text('partnerId') ?? undefined,
    scopes: fields.textList('scopes'),
    capabilities: fields.objects('capabilities')?.map((capability) => ({
      type: capability.requiredOneOf('type', PAYMENT_METHOD_TYPES),
      status: capability.requiredOneOf('status', CAPABILITY_STATUSES),
    })),
  };
}
