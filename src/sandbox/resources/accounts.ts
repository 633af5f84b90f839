import type {
  TilledAccount,
  TilledAccountType,
  TilledCapability,
  TilledCapabilityStatus,
  TilledPaymentMethodType,
} from '../../tilled/tilled.shapes.js';
import { ACCOUNT_STATUSES, PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import type { Call, Route } from '../call.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest, HttpError, notFound } from '../http-error.js';
import type { AccountRecord } from '../records.js';

/** The operations on accounts. There is none to get an account by id: the header names it. */
export const accountRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/accounts',
    status: 200,
    area: 'accounts',
    isPublishable: true,
    handle: (call) => renderAccount(call.account),
  },
  { method: 'PATCH', path: '/v1/accounts', status: 200, area: 'accounts', handle: updateAccount },
  { method: 'GET', path: '/v1/accounts/connected', status: 200, area: 'accounts', handle: listConnected },
  { method: 'POST', path: '/v1/accounts/connected', status: 201, area: 'accounts', handle: createConnected },
  { method: 'DELETE', path: '/v1/accounts/connected', status: 204, area: 'accounts', handle: deleteConnected },
  { method: 'POST', path: '/v1/accounts/capabilities', status: 201, area: 'accounts', handle: addCapability },
  { method: 'POST', path: '/v1/accounts/capabilities/:id', status: 201, area: 'accounts', handle: updateCapability },
  { method: 'DELETE', path: '/v1/accounts/capabilities/:id', status: 204, area: 'accounts', handle: deleteCapability },
];

/** Refuses with 400 a payment type that no active capability of the account covers. */
export function assertEnabled(account: AccountRecord, types: readonly TilledPaymentMethodType[]): void {
  for (const type of types) {
    const isEnabled = account.capabilities?.some((capability) => capability.status === 'active' && typeOf(capability) === type);
    if (isEnabled !== true) throw badRequest(`Payment method type ${type} is not enabled for this account`);
  }
}

/** An account with nothing in it. */
export function blankAccount(id: string, type: TilledAccountType, now: string): AccountRecord {
  return {
    id,
    account_id: id,
    partner_id: null,
    type,
    name: null,
    email: null,
    status: 'created',
    metadata: null,
    capabilities: [],
    bank_accounts: [],
    terminal_readers: [],
    document_requests: [],
    business_profile: null,
    settings: null,
    merchant_support: null,
    white_label_domain: null,
    created_at: now,
    updated_at: now,
  };
}

/** Capabilities for some types, all in one state. Within a transaction. */
export function newCapabilities(
  engine: Engine,
  types: readonly TilledPaymentMethodType[],
  status: TilledCapabilityStatus,
): TilledCapability[] {
  return types.map((type) => newCapability(engine, type, status));
}

/** The pricing templates every partner of the sandbox has, one a payment type: `pt_sandbox_card` and so on. */
function pricingTemplateId(type: TilledPaymentMethodType): string {
  return `pt_sandbox_${type}`;
}

function newCapability(engine: Engine, type: TilledPaymentMethodType, status: TilledCapabilityStatus): TilledCapability {
  const now = engine.clock.iso();
  const currency = type === 'eft_debit' ? 'cad' : 'usd';
  const dates = { created_at: now, updated_at: now };
  return {
    id: engine.ids.object('pp'),
    status,
    pricing_template: {
      id: pricingTemplateId(type),
      account_id: '',
      account_monthly_fee: 0,
      account_monthly_minimum_fee: 0,
      name: `Sandbox ${type}`,
      currency,
      payment_method_type: type,
      status: 'active',
      ...dates,
    },
    product_code: {
      id: `pc_sandbox_${type}`,
      currency,
      description: `Sandbox ${type}`,
      payment_method_type: type,
      region: type === 'eft_debit' ? 'CA' : 'US',
      ...dates,
    },
    requirements_errors: [],
    onboarding_application_progress: status === 'active' ? 100 : 0,
    onboarding_application_url: null,
    attributes: null,
  };
}

function typeOf(capability: TilledCapability): TilledPaymentMethodType {
  return capability.pricing_template.payment_method_type;
}

function renderAccount(record: AccountRecord): TilledAccount {
  const { account_id: _own, partner_id: _partner, ...shown } = record;
  return shown;
}

function updateAccount(call: Call): TilledAccount {
  const fields = new Fields(call.body);
  const name = fields.text('name', { max: 255 });
  const email = fields.text('email', { max: 255 });
  const metadata = fields.metadata();
  fields.assertValid();
  const updated: AccountRecord = {
    ...call.account,
    name: name === undefined ? call.account.name : name,
    email: email === undefined ? call.account.email : email,
    metadata: mergedMetadata(call.account.metadata, metadata),
  };
  return renderAccount(putAccount(call.engine, updated));
}

function listConnected(call: Call): unknown {
  const { accounts } = call.engine.store;
  const type = call.query.text('type');
  const status = call.query.listOf('status', ACCOUNT_STATUSES);
  const sought = call.query.text('q')?.toLowerCase();
  const connected = accounts.records([`partner_id=${call.account.id}`]).filter((account) => {
    if (type !== undefined && account.type !== type) return false;
    if (status !== undefined && !status.some((allowed) => allowed === account.status)) return false;
    return sought === undefined || `${account.name} ${account.email} ${account.id}`.toLowerCase().includes(sought);
  });
  const { offset, limit } = call.query.page();
  const items = connected
    .reverse()
    .slice(offset, offset + limit)
    .map(renderAccount);
  return { items, has_more: offset + items.length < connected.length, limit, offset, total: connected.length };
}

/** A name that begins with * skips onboarding: every type is enabled at once. */
function createConnected(call: Call): TilledAccount {
  const { engine } = call;
  if (call.account.type === 'merchant') throw new HttpError(403, 'A merchant has no connected accounts');
  const fields = new Fields(call.body);
  const email = fields.requiredText('email', { max: 255 });
  const name = fields.text('name', { max: 255 }) ?? null;
  const metadata = fields.metadata();
  fields.assertValid();
  const isReady = name?.startsWith('*') ?? false;
  const account: AccountRecord = {
    ...blankAccount(engine.ids.object('acct'), 'merchant', engine.clock.iso()),
    partner_id: call.account.id,
    name,
    email,
    status: isReady ? 'active' : 'created',
    capabilities: newCapabilities(engine, PAYMENT_METHOD_TYPES, isReady ? 'active' : 'created'),
    metadata: mergedMetadata(null, metadata),
  };
  engine.store.accounts.put(account);
  return renderAccount(account);
}

/** Our assumption: a partner deletes the merchant named by the header; an active one stays. */
function deleteConnected(call: Call): void {
  if (call.account.partner_id === null) throw new HttpError(403, 'Only a connected account can be deleted');
  if (call.account.status === 'active') throw new HttpError(403, 'An active account cannot be deleted');
  call.engine.store.accounts.delete(call.account.id);
}

function addCapability(call: Call): void {
  const type = typeOfTemplate(call);
  if (call.account.capabilities?.some((capability) => typeOf(capability) === type))
    throw badRequest(`The account has a capability for ${type} already`);
  const added = newCapability(call.engine, type, 'created');
  putAccount(call.engine, { ...call.account, capabilities: [...(call.account.capabilities ?? []), added] });
}

function updateCapability(call: Call): void {
  const type = typeOfTemplate(call);
  const others = otherCapabilities(call);
  putAccount(call.engine, { ...call.account, capabilities: [...others, newCapability(call.engine, type, 'created')] });
}

function deleteCapability(call: Call): void {
  putAccount(call.engine, { ...call.account, capabilities: otherCapabilities(call) });
}

function otherCapabilities(call: Call): TilledCapability[] {
  const all = call.account.capabilities ?? [];
  const others = all.filter((capability) => capability.id !== call.id);
  if (others.length === all.length) throw notFound('Capability', call.id);
  return others;
}

function typeOfTemplate(call: Call): TilledPaymentMethodType {
  const fields = new Fields(call.body);
  const templateId = fields.requiredText('pricing_template_id');
  fields.assertValid();
  const type = PAYMENT_METHOD_TYPES.find((candidate) => pricingTemplateId(candidate) === templateId);
  if (type === undefined) throw notFound('Pricing template', templateId);
  return type;
}

function putAccount(engine: Engine, account: AccountRecord): AccountRecord {
  const updated = { ...account, updated_at: engine.clock.iso() };
  engine.store.accounts.put(updated);
  engine.emit('account.updated', account.id, renderAccount(updated));
  return updated;
}
