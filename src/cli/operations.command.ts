import { Command } from 'commander';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
  visit,
} from 'graphql';
import type { NewOperation } from '../access/operation.service.js';
import { fieldBesideMoney } from '../graphql/money.js';
import { knownRootTypes } from '../graphql/rules.js';
import { Selections } from '../graphql/selection.js';
import { InvalidInput } from '../platform/errors.js';
import { commandScope, jsonOption, textOf, type WithGateway } from './kit.js';

const RULES = [...specifiedRules, knownRootTypes, NoSchemaIntrospectionCustomRule];

/** billing operations: the documents that browsers of an app may send. */
export function operationsCommand(withGateway: WithGateway): Command {
  const operations = new Command('operations').description('The GraphQL documents that customer sessions of an app may send, by hash.');
  operations
    .command('register')
    .description('Registers the documents of a manifest. Those that were registered before stay.')
    .requiredOption('--app <id>', 'the app')
    .requiredOption('--file <manifest>', 'persisted-documents.json of graphql-codegen (SHA-256), or a manifest of Apollo')
    .addOption(jsonOption())
    .action((options: { app: string; file: string; json?: true }) =>
      withGateway(async (gateway) => {
        const scope = await commandScope(gateway, options.app);
        const wanted = await manifestIn(options.file, gateway.schema);
        const registered = await gateway.operations.register(scope, wanted);
        const shown = { documents: wanted.length, registered };
        const words = `Registered ${registered} of ${wanted.length} documents; the others were there.\n`;
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : words);
      }),
    );
  operations
    .command('list')
    .description('The registered documents of an app.')
    .requiredOption('--app <id>', 'the app')
    .addOption(jsonOption())
    .action((options: { app: string; json?: true }) =>
      withGateway(async (gateway) => {
        const found = await gateway.operations.list(await commandScope(gateway, options.app));
        const shown = found.map(({ id, name, createdAt }) => ({ hash: id, name, createdAt }));
        const lines = shown.map(({ hash, name, createdAt }) => `${hash}\t${name}\t${createdAt.toISOString()}\n`);
        process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : lines.join(''));
      }),
    );
  return operations;
}

/** The documents of a manifest, each valid on the schema and none that looks at the schema. Throws InvalidInput. */
async function manifestIn(file: string, schema: GraphQLSchema): Promise<NewOperation[]> {
  const pairs = pairsOf(await jsonIn(file));
  if (pairs.length === 0) throw InvalidInput.because(['file'], `${file} is not a manifest: {"<sha256>": "<document>"}, or Apollo's.`);
  return pairs.map(([hash, document]) => ({ hash: hash.replace(/^sha256:/, ''), document, name: nameOf(checked(document, schema)) }));
}

async function jsonIn(file: string): Promise<unknown> {
  const text = await textOf(file);
  try {
    return JSON.parse(text);
  } catch {
    throw InvalidInput.because(['file'], `${file} is not JSON: a manifest is {"<sha256>": "<document>"}, or Apollo's.`);
  }
}

function pairsOf(content: unknown): [string, string][] {
  if (typeof content !== 'object' || content === null) return [];
  const { operations } = content as { operations?: unknown };
  const pairs = Array.isArray(operations)
    ? operations.map((operation: { id?: unknown; body?: unknown }) => [operation.id, operation.body])
    : Object.entries(content);
  const isPair = (pair: unknown[]): pair is [string, string] => pair.every((item) => typeof item === 'string');
  return pairs.every(isPair) ? (pairs as [string, string][]) : [];
}

function checked(text: string, schema: GraphQLSchema): DocumentNode {
  try {
    const document = parse(text);
    const [problem] = validate(schema, document, RULES);
    if (problem !== undefined) throw problem;
    // Whatever its variables will be: all that they could leave out counts.
    const whole = visit(document, { Directive: () => null });
    const selections = new Selections(schema, whole, {});
    const [company] = operationsOf(whole).flatMap((operation) => fieldBesideMoney(selections, operation) ?? []);
    if (company !== undefined) throw new GraphQLError(company.message, { nodes: company.node });
    return document;
  } catch (error) {
    if (error instanceof GraphQLError)
      throw InvalidInput.because(['file'], `${text.slice(0, 80)}… is not a document of this API: ${error.message}`);
    throw error;
  }
}

function nameOf(document: DocumentNode): string {
  return operationsOf(document)
    .map((operation) => operation.name?.value ?? 'unnamed')
    .join(' ');
}

function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
}
