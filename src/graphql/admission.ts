import {
  type DocumentNode,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { Actor } from '../platform/tenancy/actor.js';
import { accessOf, NOBODY, refusalReason } from './access.js';
import { badUserInput, forbidden } from './errors.js';
import { fieldBesideMoney } from './money.js';
import { Selections } from './selection.js';
import type { SentVariables } from './variables.js';

/** Decisions remembered for one document: one for each of its operations and each kind of caller (role and scopes). */
const DECISIONS_REMEMBERED_MAX = 50;

/** One operation of a document that was found valid, and the variables it was sent with. */
interface SentOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: SentVariables;
}

/** Why an operation may not run, and at which field. */
interface Refusal {
  readonly code: 'FORBIDDEN' | 'BAD_USER_INPUT';
  readonly message: string;
  readonly node: FieldNode;
}

interface KnownDocument {
  /** Whether variables decide what is selected: then nothing is remembered. */
  readonly isDecidedByVariables: boolean;
  readonly decisions: Map<string, Refusal | null>;
}

/**
 * Whether an operation may run: decided before any of it does, so that nothing is done of what is not for the caller,
 * and no refusal takes the answer of a mutation away. There is no other look at who may reach a field.
 */
export class Admission {
  private readonly known = new WeakMap<DocumentNode, KnownDocument>();

  constructor(private readonly schema: GraphQLSchema) {}

  /**
   * Throws FORBIDDEN if any field that the operation selects is not for the caller, and BAD_USER_INPUT if a mutation
   * that moves money does not stand alone in it. Where its variables are wrong execution refuses it, and nothing is
   * decided.
   */
  assertAdmitted(sent: SentOperation, actor: Actor): void {
    const refusal = this.refusalOf(sent, actor);
    if (refusal?.code === 'FORBIDDEN') throw forbidden(refusal.message, refusal.node);
    if (refusal !== null) throw badUserInput(refusal.message, refusal.node);
  }

  private refusalOf(sent: SentOperation, actor: Actor): Refusal | null {
    const { document, operation } = sent;
    const known = this.known.get(document) ?? { isDecidedByVariables: hasDecidingVariables(document), decisions: new Map() };
    this.known.set(document, known);
    if (known.isDecidedByVariables) return this.decideWithVariables(sent, actor);
    const key = JSON.stringify([operation.name?.value, actor.kind, 'scopes' in actor ? actor.scopes : null]);
    const remembered = known.decisions.get(key);
    if (remembered !== undefined) return remembered;
    if (known.decisions.size >= DECISIONS_REMEMBERED_MAX) known.decisions.clear();
    const decided = decide(new Selections(this.schema, document, {}), operation, actor);
    known.decisions.set(key, decided);
    return decided;
  }

  private decideWithVariables({ document, operation, variables: { coerced } }: SentOperation, actor: Actor): Refusal | null {
    return coerced === null ? null : decide(new Selections(this.schema, document, coerced), operation, actor);
  }
}

function hasDecidingVariables(document: DocumentNode): boolean {
  let isDecided = false;
  const note = {
    [Kind.VARIABLE]: () => {
      isDecided = true;
    },
  };
  visit(document, { [Kind.DIRECTIVE]: (directive) => void visit(directive, note) });
  return isDecided;
}

function decide(selections: Selections, operation: OperationDefinitionNode, actor: Actor): Refusal | null {
  const root = selections.schema.getRootType(operation.operation);
  if (!root) return null;
  const [refused] = new Walk(selections, actor).refusals(operation.selectionSet, root);
  if (refused !== undefined) return refused;
  const company = fieldBesideMoney(selections, operation);
  return company === null ? null : { code: 'BAD_USER_INPUT', ...company };
}

/** Goes through all that is selected for one caller. */
class Walk {
  private readonly seen = new Map<SelectionSetNode, Set<GraphQLObjectType>>();

  constructor(
    private readonly selections: Selections,
    private readonly actor: Actor,
  ) {}

  /** The fields that are not for the caller, of what is asked of an object that the caller gets to. */
  *refusals(selectionSet: SelectionSetNode, type: GraphQLObjectType): Generator<Refusal> {
    const seen = this.seen.get(selectionSet) ?? new Set();
    this.seen.set(selectionSet, seen);
    // Fragments may lead to the same place by very many ways.
    if (seen.has(type)) return;
    seen.add(type);
    for (const node of this.selections.fieldsOf(selectionSet, type)) {
      const field = type.getFields()[node.name.value];
      // What the schema says of itself is for everybody who may send documents of their own.
      if (field === undefined) continue;
      const access = accessOf(field);
      const reason = access === undefined ? null : refusalReason(this.actor, access);
      if (reason !== null) yield refusal(type, node, reason);
      if (node.selectionSet !== undefined) yield* this.below(node.selectionSet, field.type);
    }
  }

  private *below(selectionSet: SelectionSetNode, type: GraphQLOutputType): Generator<Refusal> {
    const named = getNamedType(type);
    if (isObjectType(named)) yield* this.refusals(selectionSet, named);
    if (!isAbstractType(named)) return;
    for (const possible of this.selections.schema.getPossibleTypes(named)) {
      const reason = refusalReason(this.actor, accessOf(possible) ?? NOBODY);
      yield* reason === null ? this.refusals(selectionSet, possible) : this.outOfReach(selectionSet, possible, { as: named, reason });
    }
  }

  /** The caller sees no object of this type: fields of an interface are not meant for it, its own fields are. */
  private *outOfReach(
    selectionSet: SelectionSetNode,
    type: GraphQLObjectType,
    { as, reason }: { readonly as: GraphQLAbstractType; readonly reason: string },
  ): Generator<Refusal> {
    const shared = isInterfaceType(as) ? Object.keys(as.getFields()) : [];
    for (const node of this.selections.fieldsOf(selectionSet, type)) {
      const field = type.getFields()[node.name.value];
      if (field !== undefined && !shared.includes(field.name)) yield refusal(type, node, reason);
    }
  }
}

function refusal(type: GraphQLObjectType, node: FieldNode, notFor: string): Refusal {
  return { code: 'FORBIDDEN', message: `${type.name}.${node.name.value} is not for ${notFor}. Nothing was done.`, node };
}
