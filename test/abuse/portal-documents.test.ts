import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphQLInputType, type GraphQLSchema, getNamedType, type OperationDefinitionNode, parse, print, typeFromAST } from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { PORTAL_DOCUMENTS } from '../../src/http/portal.documents.js';
import { furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import { type InputPlace, leastValue, placesIn, withValueAt } from '../support/schema-walk.js';
import { rowsOfApp } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

/** What the portal may send, and the values it takes. */
interface Operation {
  readonly name: string;
  readonly text: string;
  readonly variables: readonly { readonly name: string; readonly type: GraphQLInputType; readonly isRequired: boolean }[];
}

/** Ids by their type. */
type Ids = Readonly<Record<string, string>>;

const operations = operationsIn(await composeSchema());

let world: World;
let app: TestApp;
let session: string;
let own: Ids;
/** Of another customer of the same app, and of another app. */
let strangers: readonly Ids[];
let other: TestApp;

beforeAll(async () => {
  world = await World.create({ sessionDocuments: 'registered' });
  app = await world.app();
  other = await world.app();
  own = (await furnish(world, app)).ids;
  strangers = [await neighbour(), (await furnish(world, other)).ids];
  const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, {
    input: { customerId: own['Customer'] ?? '' },
  });
  session = customerSessionCreate.token ?? '';
  await world.settle();
  await world.holdDeliveries();
});
afterAll(async () => {
  await world.resumeDeliveries();
  await world.close({ divergences: 2 });
});

describe('what the portal may send for one customer', () => {
  it('shows each of them something of its own, so that nothing shown below means something', async () => {
    const shown = new Set<string>();
    for (const operation of operations.filter(({ text }) => text.startsWith('query')))
      for (const id of Object.values(own)) {
        const { data } = await send(operation, { ...leastOf(operation), ...(operation.variables.length > 0 && { id }) });
        if (Object.values(data ?? {}).some((value) => value !== null)) shown.add(operation.name);
      }
    expect(operations.filter(({ name, text }) => text.startsWith('query') && !shown.has(name)).map(({ name }) => name)).toEqual([]);
  });

  it.each(
    operations.flatMap((operation) =>
      idPlacesOf(operation).map((place) => [operation.name, place.path.join('.'), operation, place] as const),
    ),
  )('%s, asked with what is of others as its %s, answers as if there were none of that, and changes nothing', async (_, __, operation, place) => {
    const before = await objects();
    for (const ids of strangers)
      for (const [kind, id] of Object.entries(ids)) {
        const asking = async (value: string) => {
          const { status, data, errors } = await send(operation, withValueAt(leastOf(operation), place.path, value));
          return JSON.stringify({ status, data, errors }).replaceAll(value, '<value>');
        };
        const theirs = await asking(id);
        expect([kind, theirs]).toEqual([kind, await asking(sameForm(id))]);
        for (const text of [...Object.values(ids), 'stranger@example.com', 'app-2']) expect(theirs).not.toContain(text);
      }
    await world.settle();
    expect(await objects()).toEqual(before);
  });
});

/** All rows of both apps but the audit, which has what was tried. */
async function objects() {
  const rows = await Promise.all([app, other].map((one) => rowsOfApp(world, one)));
  return rows.map(({ billing_events: _, ...rest }) => rest);
}

/** Every operation with the types of its variables. */
function operationsIn(schema: GraphQLSchema): Operation[] {
  return [...PORTAL_DOCUMENTS.values()].map((text) => {
    const [definition] = parse(text).definitions as readonly OperationDefinitionNode[];
    const variables = (definition?.variableDefinitions ?? []).map(({ variable, type }) => ({
      name: variable.name.value,
      type: typeFromAST(schema, type as never) as unknown as GraphQLInputType,
      isRequired: print(type).endsWith('!'),
    }));
    return { name: definition?.name?.value ?? '', text, variables };
  });
}

function idPlacesOf({ variables }: Operation): InputPlace[] {
  const places = variables.flatMap(({ name, type }) => placesIn([name], type));
  return places.filter(({ path, type }) => getNamedType(type).name === 'ID' || path.at(-1) === 'tilledPaymentMethodId');
}

/** What it has to be given, with ids of the customer's own. */
function leastOf({ name, variables }: Operation): Record<string, unknown> {
  const kind = ['PaymentMethod', 'Subscription', 'Payment', 'Refund', 'Dispute'].findLast((noun) => name.startsWith(noun)) ?? 'Customer';
  const fill = ({ path }: InputPlace) => (path.at(-1) === 'customerId' ? own['Customer'] : own[kind]);
  const required = variables.filter(({ isRequired }) => isRequired);
  return Object.fromEntries(required.map(({ name: variable, type }) => [variable, leastValue([variable], type, fill)]));
}

function send({ text: query }: Operation, variables: object) {
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const body = { variables, extensions: { persistedQuery: { version: 1, sha256Hash } } };
  return world.post<Record<string, unknown>>(body, { credential: session });
}

/** An id of the same kind that stands for nothing. */
function sameForm(id: string): string {
  const [prefix = '', tail = ''] = id.split(/(?<=_)/);
  return prefix + randomBytes(32).toString('hex').slice(0, tail.length);
}

async function neighbour(): Promise<Ids> {
  const { id: customerId } = await world.customer(app, { email: 'stranger@example.com' });
  const tilledPaymentMethodId = await world.newCard(app);
  const { id: paymentMethod } = await world.card(app, customerId, { tilledPaymentMethodId });
  const { id: subscription } = await world.subscription(app, customerId);
  const { id: paymentId } = await world.payment(app, customerId);
  await world.settle();
  const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId } });
  return {
    ...{ Customer: customerId, PaymentMethod: paymentMethod, Subscription: subscription, Payment: paymentId },
    ...{ Refund: refundCreate.refund?.id ?? '', 'method at Tilled': tilledPaymentMethodId },
  };
}
