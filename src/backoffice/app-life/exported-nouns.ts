import {
  execute,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  parse,
} from 'graphql';
import { type Access, accessOf, mayReach, refusalReason } from '../../graphql/access.js';
import { places } from '../../platform/db/sql.js';
import { OutboxEventRepository } from '../../platform/outbox/outbox-event.repository.js';
import type { Actor } from '../../platform/tenancy/actor.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { shown } from '../history/history.types.js';

/** Some rows of a noun, and what the next page comes after; null after the last. */
interface ExportedPage {
  readonly rows: readonly object[];
  readonly next: string | null;
}

/** A kind of rows of an app, page by page. */
export interface ExportedNoun {
  /** As the API calls the list. */
  readonly name: string;
  page(scope: Scope, after: string | null): Promise<ExportedPage>;
}

/** Who reads: what such a key may see of its app is exported, so that no payer's secret is. */
const READER: Actor = { kind: 'operator', keyId: 'export', scopes: null };
const PAGE = 100;
/** A field that does not say whom it is for is for whom its type is for. */
const AS_ITS_TYPE: Access = { roles: ['operator'], scope: null };

/** The lists of the API, and where Tilled's id of a row is. */
const LISTS: Readonly<Record<string, { readonly type: string; readonly tilled: readonly [table: string, column: string] | null }>> = {
  customers: { type: 'Customer', tilled: ['billing_customers', 'tilled_customer_id'] },
  subscriptions: { type: 'Subscription', tilled: ['billing_subscriptions', 'tilled_subscription_id'] },
  payments: { type: 'Payment', tilled: ['billing_payments', 'tilled_payment_intent_id'] },
  refunds: { type: 'Refund', tilled: ['billing_refunds', 'tilled_refund_id'] },
  disputes: { type: 'Dispute', tilled: ['billing_disputes', 'tilled_dispute_id'] },
  divergences: { type: 'Divergence', tilled: null },
  webhookEvents: { type: 'WebhookEvent', tilled: null },
  events: { type: 'Event', tilled: null },
};

/** Everything an app has, in the order in which one refers to the other. */
export function nounsOf(schema: GraphQLSchema): readonly ExportedNoun[] {
  const lists = Object.entries(LISTS).map(([name, { type, tilled }]) => listed(schema, { name, type, tilled }));
  const [customers, ...others] = lists;
  return [...(customers === undefined ? [] : [customers]), paymentMethods(schema), ...others, AUDIT];
}

function listed(
  schema: GraphQLSchema,
  { name, type, tilled }: { readonly name: string; readonly type: string; readonly tilled: readonly [string, string] | null },
): ExportedNoun {
  const document = parse(
    `query($after: String) { page: ${name}(first: ${PAGE}, after: $after) { nodes { ${selectionOf(schema, type)} } pageInfo { hasNextPage endCursor } } }`,
  );
  return {
    name,
    async page(scope, after) {
      const { page } = await answerOf(schema, { document, scope, variables: { after } });
      const { nodes, pageInfo } = page as { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
      const rows = tilled === null ? nodes : await withTilledIds(scope, nodes, tilled);
      return { rows, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
    },
  };
}

/** They have no list of their own in the API: all, detached ones too, by their ids. */
function paymentMethods(schema: GraphQLSchema): ExportedNoun {
  const document = parse(`query($id: ID!) { paymentMethod(id: $id) { ${selectionOf(schema, 'PaymentMethod')} } }`);
  return {
    name: 'paymentMethods',
    async page(scope, after) {
      const sql = `select id from billing_payment_methods where app_id = ? and id > ? order by id limit ${PAGE}`;
      const ids = (await scope.db.query(sql, [scope.appId, after ?? ''])).map((row) => String(row['id']));
      const answers = await Promise.all(ids.map((id) => answerOf(schema, { document, scope, variables: { id } })));
      const nodes = answers.flatMap(({ paymentMethod }) => (paymentMethod === null ? [] : [paymentMethod as { id: string }]));
      const rows = await withTilledIds(scope, nodes, ['billing_payment_methods', 'tilled_payment_method_id']);
      return { rows, next: ids.length < PAGE ? null : (ids.at(-1) ?? null) };
    },
  };
}

/** What `history` shows of every object. */
const AUDIT: ExportedNoun = {
  name: 'auditEvents',
  async page(scope, after) {
    const { rows, hasNextPage, cursorOf } = await OutboxEventRepository.of(scope).all({ first: PAGE, after });
    const last = rows.at(-1);
    return { rows: rows.map(shown), next: hasNextPage && last !== undefined ? cursorOf(last) : null };
  },
};

async function answerOf(
  schema: GraphQLSchema,
  { document, scope, variables }: { document: ReturnType<typeof parse>; scope: Scope; variables: Readonly<Record<string, unknown>> },
): Promise<Readonly<Record<string, unknown>>> {
  const { data, errors } = await execute({ schema, document, contextValue: scope, variableValues: variables });
  if (errors !== undefined || !data) throw new Error('A page of the export could not be read.', { cause: errors?.[0] });
  return data;
}

async function withTilledIds(scope: Scope, nodes: readonly { readonly id: string }[], [table, column]: readonly [string, string]) {
  if (nodes.length === 0) return [];
  const sql = `select id, ${column} as tilled_id from ${table} where app_id = ? and id in (${places(nodes)})`;
  const found = await scope.db.query(sql, [scope.appId, ...nodes.map(({ id }) => id)]);
  const ids = new Map(found.map((row) => [String(row['id']), row['tilled_id'] ?? null]));
  return nodes.map((node) => ({ ...node, tilledId: ids.get(node.id) ?? null }));
}

/** All that the reader may see of a type and that is its own; of another object that it leads to, the id. */
function selectionOf(schema: GraphQLSchema, typeName: string): string {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) throw new Error(`The schema has no type ${typeName}.`);
  return Object.values(type.getFields())
    .filter((field) => !field.args.some(isRequiredArgument) && refusalReason(READER, accessOf(field) ?? AS_ITS_TYPE) === null)
    .flatMap(({ name, type: of }) => {
      const named = getNamedType(of);
      if (!isObjectType(named)) return [name];
      if (leadsElsewhere(named, of) || !mayReach(schema, named.name, READER)) return [];
      return [isNode(named) ? `${name} { id }` : `${name} { ${selectionOf(schema, named.name)} }`];
    })
    .join(' ');
}

/** Other rows of an object are in files of their own. */
function leadsElsewhere(named: GraphQLNamedType, of: GraphQLOutputType): boolean {
  const isList = isListType(isNonNullType(of) ? of.ofType : of);
  return named.name.endsWith('Connection') || (isList && isObjectType(named) && isNode(named));
}

function isNode(type: GraphQLObjectType): boolean {
  return type.getInterfaces().some(({ name }) => name === 'Node');
}
