import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { type ComplexityEstimator, getComplexity } from 'graphql-query-complexity';
import { badUserInput } from './errors.js';
import type { SentVariables } from './variables.js';

/** Tokens a document may have; the parser stops there. The largest operation of our own tests has some 400. */
export const TOKENS_MAX = 4_000;
const DEPTH_MAX = 12;
const ALIASES_MAX = 30;
const DIRECTIVES_MAX = 20;
/** What one operation may cost. 50 customers with all that hangs on them, the largest of our own tests, cost 44,201. */
const COST_MAX = 50_000;
/** Entries a list is taken for where no size is given: a page, a part of a list without pages, what is one row's. */
const SIZE_OF = { page: 20, part: 10, plainList: 5 } as const;
const PAGE_SIZE_MAX = 100;
/** Fields and fragments that are counted, each as often as it is spread; beyond it fragments repeat each other. */
const NODES_MAX = 3_000;
/** Costs remembered for one document, one for each combination of the variables that matter. */
const COSTS_REMEMBERED_MAX = 50;
/** Characters of the variables by which a cost is remembered. */
const KEY_LENGTH_MAX = 200;

type Rejection = (context: { reportError(error: GraphQLError): void } | null, error: GraphQLError) => void;

/** The libraries call what they refuse a syntax error; it is none. */
const REJECTING = {
  onReject: [((context, error) => context?.reportError(new GraphQLError(error.message.replace('Syntax Error: ', '')))) satisfies Rejection],
  propagateOnRejection: false,
};

/** Refuses documents that nest too deep or repeat too much, whatever their fields are. */
export const shapeLimits = [
  // The schema's own fields are limited by graphql itself (MaxIntrospectionDepthRule).
  maxDepthRule({ n: DEPTH_MAX, ignoreIntrospection: true, flattenFragments: true, ...REJECTING }),
  maxAliasesRule({ n: ALIASES_MAX, ...REJECTING }),
  maxDirectivesRule({ n: DIRECTIVES_MAX, ...REJECTING }),
];

/** What a client is told of an operation's cost in `extensions.cost`. */
export interface Cost {
  readonly requested: number;
  readonly max: number;
}

/** One operation of a document that was found valid. */
interface ResolvedOperation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: SentVariables;
}

/** What is remembered of a document: the variables whose values its costs depend on, and the costs by them. */
interface KnownDocument {
  readonly deciding: readonly string[];
  readonly costs: Map<string, number>;
}

/**
 * What operations cost, counted before they run: one for each object, times `first` or `last` for the objects of a
 * page. The cost of a document is counted once for each combination of the variables it depends on, which for most
 * documents are none.
 */
export class QueryCosts {
  private readonly known = new WeakMap<DocumentNode, KnownDocument>();

  constructor(private readonly schema: GraphQLSchema) {}

  /**
   * The cost of an operation; null where its variables are wrong. Throws QUERY_TOO_COMPLEX above the budget, and
   * BAD_USER_INPUT where a variable that is right by itself cannot stand where it is used.
   */
  assertAffordable(operation: ResolvedOperation): Cost | null {
    const { coerced } = operation.variables;
    if (coerced === null) return null;
    const requested = this.costOf(operation, coerced);
    if (requested === Number.POSITIVE_INFINITY)
      throw tooCostly(`This operation names more than ${NODES_MAX} fields, counted through its fragments.`, {
        requested: null,
        max: COST_MAX,
      });
    if (requested <= COST_MAX) return { requested, max: COST_MAX };
    throw tooCostly(
      `This operation costs ${requested} of at most ${COST_MAX}: ask for smaller pages (first, last), or for less in each of them.`,
      {
        requested,
        max: COST_MAX,
      },
    );
  }

  private costOf(operation: ResolvedOperation, coerced: Readonly<Record<string, unknown>>): number {
    const known = this.known.get(operation.document) ?? { deciding: this.decidingVariables(operation.document), costs: new Map() };
    this.known.set(operation.document, known);
    const values = known.deciding.map((name) => (name in coerced ? [coerced[name]] : []));
    // Null is the one value that may be right for a variable and wrong where it is used.
    const nulls = Object.keys(coerced).filter((name) => coerced[name] === null);
    const key = JSON.stringify([operation.operationName, values, nulls]);
    const remembered = known.costs.get(key);
    if (remembered !== undefined) return remembered;
    const cost = this.count(operation);
    if (known.costs.size >= COSTS_REMEMBERED_MAX) known.costs.clear();
    if (key.length <= KEY_LENGTH_MAX) known.costs.set(key, cost);
    return cost;
  }

  private count({ document, operationName, variables }: ResolvedOperation): number {
    try {
      return getComplexity({
        schema: this.schema,
        query: document,
        operationName,
        variables: { ...variables.raw },
        estimators: ESTIMATORS,
        maxQueryNodes: NODES_MAX,
      });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      if (/maximum allowed number of nodes/.test(error.message)) return Number.POSITIVE_INFINITY;
      // It reads arguments and directives as execution does, which would find this out only when it comes there.
      throw badUserInput(error.message, error.nodes);
    }
  }

  /** The variables whose values the cost depends on: in page sizes, in directives, and in what our own scalars read. */
  private decidingVariables(document: DocumentNode): readonly string[] {
    const names = new Set<string>();
    const note = { Variable: (node: { readonly name: { readonly value: string } }) => void names.add(node.name.value) };
    const typeInfo = new TypeInfo(this.schema);
    visit(
      document,
      visitWithTypeInfo(typeInfo, {
        Argument: (node) => void (PAGE_SIZE.test(node.name.value) && visit(node, note)),
        Directive: (node) => void visit(node, note),
        // GraphQL does not know what stands there, so only the scalar says whether it can.
        Variable: (node) => void (typeInfo.getInputType() === undefined && note.Variable(node)),
      }),
    );
    return [...names].toSorted();
  }
}

function tooCostly(message: string, cost: { readonly requested: number | null; readonly max: number }): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_COMPLEX', cost, http: { status: 400 } } });
}

/** What the schema says of itself, and where a page lies, are there already. */
const FREE = /^(__|pageInfo$)/;
/** The arguments that say how large a page is. */
const PAGE_SIZE = /^(first|last)$/;
const PAGE_PART = /^(nodes|edges)$/;

/** A leaf costs nothing, an object one, a page its objects as often as its size says, a plain list a few. */
const ESTIMATORS: ComplexityEstimator[] = [
  ({ field, args, childComplexity }) => {
    if (FREE.test(field.name) || isLeafType(getNamedType(field.type))) return 0;
    const isPlainList = isListType(getNullableType(field.type)) && !PAGE_PART.test(field.name);
    const each = isPlainList ? 1 + childComplexity : childComplexity;
    if (field.args.some(({ name }) => name === 'first')) return (isPlainList ? 0 : 1) + sizeOf(args, isPlainList) * each;
    return isPlainList ? SIZE_OF.plainList * each : 1 + childComplexity;
  },
];

/** Sizes that the list itself refuses count as the largest that it does not. */
function sizeOf(args: Readonly<Record<string, unknown>>, isPlainList: boolean): number {
  const size = args['last'] ?? args['first'];
  if (typeof size === 'number') return Math.min(Math.max(size, 1), PAGE_SIZE_MAX);
  return isPlainList ? SIZE_OF.part : SIZE_OF.page;
}
