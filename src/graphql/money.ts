import type { FieldNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Selections } from './selection.js';

/** Marks a mutation that moves money, may move some, or decides what will be: `@Extensions(MOVES_MONEY)`. */
export const MOVES_MONEY = { movesMoney: true } as const;

/** What the extensions of every other mutation say: `@Extensions(MOVES_NO_MONEY)`. */
export const MOVES_NO_MONEY = { movesMoney: false } as const;

/** Throws where a mutation says neither that it may move money nor that it does not. */
export function assertMoneyIsSaid(schema: GraphQLSchema): void {
  for (const { name, extensions } of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    if (typeof extensions['movesMoney'] !== 'boolean')
      throw new Error(`Mutation.${name} does not say whether it moves money: give it @Extensions(MOVES_MONEY) or MOVES_NO_MONEY.`);
  }
}

/** What stands in an operation beside a mutation that moves money, and why nothing may. */
export interface FieldBesideMoney {
  readonly message: string;
  readonly node: FieldNode;
}

/**
 * The first root field beside a mutation that moves money, null where there is none: if the other failed, its answer
 * would be lost in the same response. What is asked twice under one name is one field; `__typename` cannot fail and is
 * none.
 */
export function fieldBesideMoney(selections: Selections, operation: OperationDefinitionNode): FieldBesideMoney | null {
  const root = selections.schema.getRootType(operation.operation);
  if (!root) return null;
  const asked = new Map<string, FieldNode>();
  for (const node of selections.fieldsOf(operation.selectionSet, root)) {
    const key = (node.alias ?? node.name).value;
    if (root.getFields()[node.name.value] !== undefined && !asked.has(key)) asked.set(key, node);
  }
  const mover = [...asked.values()].find((node) => movesMoney(root, node));
  const [beside] = [...asked.values()].filter((node) => node !== mover);
  if (mover === undefined || beside === undefined) return null;
  const names = `${mover.name.value} moves money, or may: it stands alone in its operation, so that nothing beside it can take its answer away.`;
  return { message: `${names} Send ${beside.name.value} in another one. Nothing was done.`, node: beside };
}

function movesMoney(root: GraphQLObjectType, node: FieldNode): boolean {
  return root.getFields()[node.name.value]?.extensions['movesMoney'] === true;
}
