import { describe, expect, it } from '@jest/globals';
import { findCircles, findImports, type Import, readArrow, writeArrow } from './imports.js';
import { readSources } from './source.js';

/** The wings of the house, upper before lower; those above them are handed their services by compose.ts. */
const wings = ['backoffice', 'webhooks', 'deliveries', 'events', 'access', 'billing'];
const asTypes = wings.map((wing) => `type ${wing}`);

/**
 * What each part may import, besides libraries and itself: right, never left, never a sibling. Outer order:
 * main > gateway, loading > cli, http > demo, client, compose > preflight, nodes > backoffice > webhooks > deliveries > events > access > billing > sandbox, backup, tilled, graphql > platform > config.
 * `type` allows `import type` only: the thing itself is handed over by compose.ts. Tests may import everything; nothing imports tests.
 */
const mayImport: Record<string, string[]> = {
  main: ['loading', 'gateway'],
  loading: [],
  gateway: ['cli', 'http', 'demo', 'compose', 'graphql', 'platform', 'config'],
  examples: ['client'],
  cli: ['demo', 'client', 'compose', 'preflight', 'backup', ...asTypes, 'sandbox', 'graphql', 'platform', 'config', 'migrations'],
  http: ['type compose', ...asTypes, 'graphql', 'platform', 'config'],
  demo: [...asTypes, 'sandbox', 'tilled', 'platform', 'type config'],
  compose: ['preflight', 'nodes', ...wings, 'backup', 'sandbox', 'tilled', 'graphql', 'platform', 'config', 'migrations'],
  preflight: [...wings, 'tilled', 'platform', 'type config'],
  nodes: [...wings, 'graphql', 'platform'],
  backoffice: ['webhooks', 'deliveries', 'events', 'access', 'billing', 'tilled', 'graphql', 'platform', 'type config'],
  webhooks: ['deliveries', 'events', 'access', 'billing', 'tilled', 'graphql', 'platform', 'type config'],
  deliveries: ['events', 'access', 'billing', 'graphql', 'platform', 'type config'],
  events: ['access', 'billing', 'graphql', 'platform', 'type config'],
  access: ['billing', 'graphql', 'platform', 'type config'],
  billing: ['tilled', 'graphql', 'platform', 'type config'],
  backup: ['platform', 'type config'],
  sandbox: ['tilled', 'platform', 'config'],
  tilled: ['platform', 'type config'],
  graphql: ['platform', 'config'],
  platform: ['config', 'migrations'],
  config: [],
  client: [],
  migrations: ['platform'],
};

/** The folders of a wing, upper before lower: each may import those below it. */
const nouns: Record<string, string[]> = {
  backoffice: ['app-life', 'history', 'open-intents', 'gauges', 'imports', 'inspection', 'retention', 'privacy', 'reconciliation'],
  billing: ['disputes', 'refunds', 'payments', 'subscriptions', 'payment-methods', 'customers', 'settings'],
};

/** What every noun may import, and which imports no noun: money, and the kit that nouns are made with. */
const belowAllNouns = /^src\/billing\/(money\.ts$|kit\/)/;

/** Something that no import may do. */
interface Rule {
  name: string;
  sentence: string;
  forbids: (edge: Import) => boolean;
  /** Made-up imports that must be found, and such that must not. */
  bites: string[];
  spares: string[];
}

const database = /^(@mikro-orm\/|kysely$|mysql2|node:sqlite$)/;

const rules: Rule[] = [
  {
    name: 'order',
    sentence: 'Each part imports only what the table above allows it: right, never left, never a sibling.',
    forbids: (edge) => isOurs(edge.to) && isOutOfOrder(edge),
    bites: [
      'src/platform/log.ts -> src/billing/money.ts',
      'src/graphql/errors.ts -> src/billing/money.ts',
      'src/tilled/tilled.client.ts -> src/billing/money.ts',
      'src/tilled/tilled.client.ts -> src/graphql/limits.ts',
      'src/billing/refunds/refund.service.ts -> src/http/app.ts',
      'src/billing/refunds/refund.service.ts -> src/compose.ts',
      'src/billing/refunds/refund.service.ts -> src/config.ts',
      'src/billing/payments/payment.service.ts -> src/access/access.service.ts',
      'src/access/access.service.ts -> type src/webhooks/webhook.inbox.ts',
      'src/webhooks/webhook.sync.ts -> src/backoffice/reconciliation/reconciler.ts',
      'src/backoffice/gauges/operational-counts.ts -> src/nodes/node.resolver.ts',
      'src/compose.ts -> src/http/app.ts',
      'src/http/app.ts -> src/cli/billing.ts',
      'src/http/webhook.route.ts -> src/tilled/tilled.client.ts',
      'src/http/webhook.route.ts -> src/webhooks/webhook.inbox.ts',
      'src/cli/keys.ts -> src/billing/payments/payment.service.ts',
      'src/config.ts -> src/platform/log.ts',
      'src/config.ts -> type src/platform/log.ts',
      'src/platform/jobs/worker.ts -> test/support/world.ts',
      'migrations/0001.ts -> src/billing/money.ts',
    ],
    spares: [
      'src/main.ts -> src/gateway.ts',
      'src/gateway.ts -> src/http/app.ts',
      'src/gateway.ts -> src/compose.ts',
      'src/cli/keys.ts -> src/compose.ts',
      'src/http/webhook.route.ts -> type src/webhooks/webhook.inbox.ts',
      'src/compose.ts -> src/billing/refunds/refund.service.ts',
      'src/backoffice/retention/retention.ts -> src/webhooks/webhook-event.entity.ts',
      'src/webhooks/webhook.sync.ts -> src/billing/refunds/refund.mirror.ts',
      'src/access/access.service.ts -> src/billing/customers/customer.repository.ts',
      'src/billing/refunds/refund.service.ts -> src/tilled/tilled.client.ts',
      'src/billing/refunds/refund.service.ts -> type src/config.ts',
      'src/platform/db/database.ts -> src/config.ts',
      'src/platform/db/database.ts -> @mikro-orm/core',
      'src/platform/db/database.ts -> src/platform/log.ts',
      'test/support/world.ts -> src/compose.ts',
      'test/unit/money.test.ts -> src/billing/money.ts',
    ],
  },
  {
    name: 'nouns',
    sentence: 'A noun of src/billing imports only nouns below it, kit/ and money.ts; a folder of src/backoffice those below it.',
    forbids: ({ from, to }) => isNounOutOfOrder(from, to),
    bites: [
      'src/billing/payments/payment.service.ts -> src/billing/refunds/refund.service.ts',
      'src/billing/customers/customer.entity.ts -> type src/billing/payments/payment.entity.ts',
      'src/billing/plans/plan.entity.ts -> src/billing/subscriptions/subscription.entity.ts',
      'src/billing/money.ts -> src/billing/customers/customer.entity.ts',
      'src/billing/customers/customer.entity.ts -> src/billing/index.ts',
      'src/backoffice/reconciliation/reconciler.ts -> src/backoffice/imports/import.service.ts',
    ],
    spares: [
      'src/billing/refunds/refund.service.ts -> src/billing/payments/payment.repository.ts',
      'src/billing/refunds/refund.service.ts -> src/billing/refunds/refund.entity.ts',
      'src/backoffice/imports/import.service.ts -> src/backoffice/reconciliation/reconciler.ts',
      'src/billing/customers/customer.entity.ts -> src/billing/money.ts',
      'src/compose.ts -> src/billing/customers/customer.service.ts',
    ],
  },
  {
    name: 'sandbox door',
    sentence: 'Nothing but demo.ts, compose.ts, cli and tests imports the sandbox.',
    forbids: ({ from, to }) => isIn(to, 'sandbox') && !/^(src\/(demo\.ts$|compose\.ts$|cli\/|sandbox\/)|test\/)/.test(from),
    bites: [
      'src/gateway.ts -> src/sandbox/server.ts',
      'src/http/app.ts -> src/sandbox/server.ts',
      'src/billing/money.ts -> src/sandbox/server.ts',
      'src/platform/clock.ts -> type src/sandbox/clock.ts',
    ],
    spares: [
      'src/compose.ts -> src/sandbox/server.ts',
      'src/cli/sandbox.ts -> src/sandbox/server.ts',
      'test/support/world.ts -> src/sandbox/server.ts',
    ],
  },
  {
    name: 'sandbox reads',
    sentence: "Of tilled/, the sandbox imports only shapes and signature: it must not agree with our client's mistakes.",
    forbids: ({ from, to }) => isIn(from, 'sandbox') && isIn(to, 'tilled') && !/\/(tilled\.)?(shapes|signature)\.ts$/.test(to),
    bites: ['src/sandbox/server.ts -> src/tilled/tilled.client.ts', 'src/sandbox/server.ts -> src/tilled/tilled.errors.ts'],
    spares: ['src/sandbox/server.ts -> src/tilled/tilled.shapes.ts', 'src/sandbox/webhooks.ts -> src/tilled/tilled.signature.ts'],
  },
  {
    name: 'repositories stay inside',
    sentence: 'http and cli do not import repositories, not even their types: they ask a service.',
    forbids: ({ from, to }) => (isIn(from, 'http') || isIn(from, 'cli')) && hasRole(to, 'repository'),
    bites: [
      'src/http/graphql.route.ts -> type src/billing/payments/payment.repository.ts',
      'src/cli/keys.ts -> src/platform/tenancy/api-key.repository.ts',
    ],
    spares: ['src/cli/keys.ts -> src/platform/tenancy/api-key.service.ts'],
  },
  {
    name: 'resolvers',
    sentence: 'A resolver does not import tilled/, or services but its own; it reads what its rows refer to in the repositories below.',
    forbids: ({ from, to }) => hasRole(from, 'resolver') && (isIn(to, 'tilled') || (hasRole(to, 'service') && homeOf(to) !== homeOf(from))),
    bites: [
      'src/billing/payments/payment.resolver.ts -> src/tilled/tilled.client.ts',
      'src/billing/payments/payment.resolver.ts -> src/billing/customers/customer.service.ts',
    ],
    spares: [
      'src/billing/payments/payment.resolver.ts -> src/billing/payments/payment.repository.ts',
      'src/billing/payments/payment.resolver.ts -> src/billing/customers/customer.repository.ts',
      'src/billing/payments/payment.resolver.ts -> src/billing/customers/customer.entity.ts',
      'src/billing/payments/payment.resolver.ts -> type-graphql',
    ],
  },
  {
    name: 'services',
    sentence: 'A service does not know GraphQL: neither the library, nor type-graphql, nor src/graphql, nor resolvers.',
    forbids: ({ from, to }) =>
      hasRole(from, 'service') && (/^(type-)?graphql($|\/)/.test(to) || isIn(to, 'graphql') || hasRole(to, 'resolver')),
    bites: [
      'src/billing/payments/payment.service.ts -> type-graphql',
      'src/billing/payments/payment.service.ts -> graphql',
      'src/billing/payments/payment.service.ts -> type src/graphql/connection.ts',
      'src/billing/payments/payment.service.ts -> src/billing/payments/payment.resolver.ts',
    ],
    spares: [
      'src/billing/payments/payment.service.ts -> src/billing/payments/payment.inputs.ts',
      'src/billing/payments/payment.service.ts -> src/tilled/tilled.client.ts',
      'src/billing/payments/payment.resolver.ts -> src/graphql/connection.ts',
    ],
  },
  {
    name: 'repositories',
    sentence: 'A repository knows rows and src/platform: no services, resolvers, tilled/ or src/graphql.',
    forbids: ({ from, to }) =>
      hasRole(from, 'repository') && (hasRole(to, 'service', 'resolver') || isIn(to, 'tilled') || isIn(to, 'graphql')),
    bites: [
      'src/billing/payments/payment.repository.ts -> src/billing/payments/payment.service.ts',
      'src/billing/payments/payment.repository.ts -> src/tilled/tilled.shapes.ts',
    ],
    spares: [
      'src/billing/payments/payment.repository.ts -> src/billing/payments/payment.entity.ts',
      'src/billing/payments/payment.repository.ts -> src/platform/tenancy/scope.ts',
    ],
  },
  {
    name: 'entities',
    sentence: 'An entity knows no repository, service or resolver.',
    forbids: ({ from, to }) => hasRole(from, 'entity') && hasRole(to, 'repository', 'service', 'resolver'),
    bites: [
      'src/billing/payments/payment.entity.ts -> src/billing/payments/payment.repository.ts',
      'src/billing/payments/payment.entity.ts -> type src/billing/customers/customer.service.ts',
    ],
    spares: [
      'src/billing/payments/payment.entity.ts -> src/billing/customers/customer.entity.ts',
      'src/billing/payments/payment.entity.ts -> src/graphql/scalars.ts',
    ],
  },
  {
    name: 'pure',
    sentence: '*.states.ts and money.ts import nothing (node:assert excepted): they can be read, and tested, alone.',
    forbids: ({ from, to }) => (hasRole(from, 'states') || from === 'src/billing/money.ts') && !/^node:assert/.test(to),
    bites: ['src/billing/payments/payment.states.ts -> src/platform/errors.ts', 'src/billing/money.ts -> zod'],
    spares: ['src/billing/money.ts -> node:assert/strict'],
  },
  {
    name: 'tilled',
    sentence: "tilled/ knows Tilled's wire: of platform/ only log, clock, deadlines, degradation, errors and spans, and no database.",
    forbids: ({ from, to }) =>
      isIn(from, 'tilled') &&
      (database.test(to) || (isIn(to, 'platform') && !/^src\/platform\/(log|clock|deadline|degradation|errors|spans)\.ts$/.test(to))),
    bites: ['src/tilled/tilled.client.ts -> src/platform/tenancy/scope.ts', 'src/tilled/tilled.client.ts -> @mikro-orm/core'],
    spares: ['src/tilled/tilled.client.ts -> src/platform/log.ts', 'src/tilled/tilled.http.ts -> node:https'],
  },
  {
    name: 'rules of inputs',
    sentence: 'Only graphql/input-rules.ts loads class-validator, rule by rule: its front door loads three hundred modules.',
    forbids: ({ from, to, isTypeOnly }) =>
      /^class-validator($|\/)/.test(to) && !isTypeOnly && from !== 'src/graphql/input-rules.ts' && !from.startsWith('test/'),
    bites: ['src/billing/payments/payment.inputs.ts -> class-validator'],
    spares: ['src/graphql/payload.ts -> type class-validator', 'src/graphql/input-rules.ts -> class-validator'],
  },
  {
    name: 'traces are optional',
    sentence: 'Only platform/tracing.ts knows OpenTelemetry, and only gateway.ts and cli load that, when traces are asked for.',
    forbids: ({ from, to }) =>
      (to.startsWith('@opentelemetry/') && from !== 'src/platform/tracing.ts' && !from.startsWith('test/')) ||
      (to === 'src/platform/tracing.ts' && !/^(src\/(gateway\.ts$|cli\/)|test\/)/.test(from)),
    bites: ['src/tilled/tilled.http.ts -> @opentelemetry/api', 'src/compose.ts -> src/platform/tracing.ts'],
    spares: [
      'src/platform/tracing.ts -> @opentelemetry/api',
      'src/gateway.ts -> src/platform/tracing.ts',
      'src/http/server.ts -> src/platform/spans.ts',
    ],
  },
  {
    name: 'client',
    sentence: 'The client imports nothing but itself: it runs wherever there are fetch and WebCrypto.',
    forbids: ({ from, to }) => from.startsWith('client/') && !to.startsWith('client/'),
    bites: ['client/src/wire.ts -> node:https', 'client/src/webhooks.ts -> standardwebhooks', 'client/src/wire.ts -> src/platform/log.ts'],
    spares: ['client/src/wire.ts -> client/src/errors.ts', 'examples/shop/server.ts -> node:http'],
  },
  {
    name: 'no web server below http',
    sentence: 'Only http, gateway.ts and compose.ts know the HTTP framework; the sandbox and the examples have servers of their own.',
    forbids: ({ from, to }) =>
      /^(express|fastify|@fastify|@as-integrations)($|\/)/.test(to) &&
      !/^(src\/(http\/|gateway\.ts$|compose\.ts$|sandbox\/)|(test|examples)\/)/.test(from),
    bites: ['src/webhooks/webhook.inbox.ts -> fastify', 'src/graphql/errors.ts -> @as-integrations/fastify'],
    spares: ['src/http/app.ts -> fastify', 'src/http/app.ts -> @fastify/cors'],
  },
];

/** Imports that break a rule for a reason, as `name: arrow`, each with the reason. One that is no longer needed fails. */
const exceptions: Record<string, string> = {};

describe('our imports', () => {
  const sources = readSources();
  const imports = sources.flatMap(findImports);
  const found = rules.flatMap(({ name, forbids }) => imports.filter(forbids).map((edge) => `${name}: ${writeArrow(edge)}`));

  it.each(rules)('$name: $sentence', ({ name }) => {
    expect(found.filter((violation) => violation.startsWith(`${name}: `) && !(violation in exceptions))).toEqual([]);
  });

  it('need every exception they claim', () => {
    expect(Object.keys(exceptions).filter((exception) => !found.includes(exception))).toEqual([]);
  });

  it('load traces only when they are asked for, never at the top of a file', () => {
    const atTheTop = /^import (?!type).*tracing\.js'/m;
    expect(atTheTop.test("import { startTracing } from './platform/tracing.js';")).toBe(true);
    expect(sources.filter(({ path, text }) => path.startsWith('src/') && atTheTop.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('go in no circle, types included', () => {
    expect(findCircles(imports)).toEqual([]);
  });

  it('come from files that have a place: a part and, in a wing of many nouns, one of the lists above', () => {
    expect(sources.map(({ path }) => path).filter((path) => !hasPlace(path))).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const bites = rules.flatMap((rule) => rule.bites.map((arrow) => ({ arrow, rule, name: rule.name })));
  const spares = rules.flatMap((rule) => rule.spares.map((arrow) => ({ arrow, rule, name: rule.name })));

  it.each(bites)('$name forbids $arrow', ({ arrow, rule }) => {
    expect(rule.forbids(readArrow(arrow))).toBe(true);
  });

  it.each(spares)('$name allows $arrow', ({ arrow, rule }) => {
    expect(rule.forbids(readArrow(arrow))).toBe(false);
  });

  it('see every kind of import, and no text that looks like one', () => {
    const text = `
      import a, { type B } from './a.js';
      import type { C } from './c.js';
      import { type D, type E } from './d.js';
      import './side.js';
      export * from '../up.js';
      export { F } from './f.js';
      const g = await import('./g.js');
      type H = import('./h.js').H;
      import fastify from 'fastify';
      // import x from './comment.js';
      const i = "import y from './string.js'";
      export const j = 1;`;
    expect(findImports({ path: 'src/http/x.ts', text }).map(writeArrow)).toEqual([
      'src/http/x.ts -> src/http/a.ts',
      'src/http/x.ts -> type src/http/c.ts',
      'src/http/x.ts -> type src/http/d.ts',
      'src/http/x.ts -> src/http/side.ts',
      'src/http/x.ts -> src/up.ts',
      'src/http/x.ts -> src/http/f.ts',
      'src/http/x.ts -> src/http/g.ts',
      'src/http/x.ts -> type src/http/h.ts',
      'src/http/x.ts -> fastify',
    ]);
  });

  it('find a circle, of two and of more, and none where two ways lead to one file', () => {
    expect(findCircles(['a -> b', 'b -> type a', 'b -> c'].map(readArrow))).toEqual(['a > b > a']);
    expect(findCircles(['x -> a', 'a -> b', 'b -> c', 'c -> a'].map(readArrow))).toEqual(['a > b > c > a']);
    expect(findCircles(['a -> b', 'a -> c', 'b -> d', 'c -> d'].map(readArrow))).toEqual([]);
  });

  it('know which files have a place', () => {
    expect(
      ['src/main.ts', 'src/billing/money.ts', 'src/billing/refunds/refund.entity.ts', 'test/a.ts'].filter((path) => !hasPlace(path)),
    ).toEqual([]);
    expect(
      ['src/helpers.ts', 'src/util/a.ts', 'src/billing/shared.ts', 'src/billing/things/a.ts', 'src/backoffice/a.ts'].filter(hasPlace),
    ).toEqual([]);
  });
});

/** The part a file of ours belongs to: a folder of src, a file right in it, or `migrations`, `client`, `examples` or `test`. */
function partOf(path: string): string {
  return /^(?:src\/)?([^/.]+)/.exec(path)?.[1] ?? '';
}

/** The noun of a file, which is the folder it is in; empty if it lies right in a part. */
function nounOf(path: string): string {
  return /^src\/(?:backoffice|billing)\/([^/]+)\//.exec(path)?.[1] ?? '';
}

/** Where a file's own resolver, service and rows are. */
function homeOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function isOurs(path: string): boolean {
  return /^(src|migrations|client|examples|test)\//.test(path);
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`src/${folder}/`);
}

function hasRole(path: string, ...roles: string[]): boolean {
  return isOurs(path) && roles.some((role) => path.endsWith(`.${role}.ts`));
}

function isOutOfOrder({ from, to, isTypeOnly }: Import): boolean {
  const [user, used] = [partOf(from), partOf(to)];
  if (user === used || user === 'test') return false;
  const allowed = mayImport[user] ?? [];
  return !allowed.includes(used) && !(isTypeOnly && allowed.includes(`type ${used}`));
}

function isNounOutOfOrder(from: string, to: string): boolean {
  const order = nouns[partOf(from)];
  if (order === undefined || partOf(from) !== partOf(to) || belowAllNouns.test(to)) return false;
  const [user, used] = [nounOf(from), nounOf(to)];
  return user !== used && !(order.includes(user) && order.indexOf(used) > order.indexOf(user));
}

function hasPlace(path: string): boolean {
  const order = nouns[partOf(path)];
  if (order !== undefined) return belowAllNouns.test(path) || order.includes(nounOf(path));
  return partOf(path) === 'test' || partOf(path) in mayImport;
}
