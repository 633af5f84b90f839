import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { accessOf } from '../graphql/access.js';

/** A field's value in a snapshot. */
type Take = (row: Readonly<Record<string, unknown>>) => unknown;

interface Shape {
  readonly takes: readonly (readonly [name: string, take: Take])[];
  /** Properties of the row whose change shows. */
  readonly reads: ReadonlySet<string>;
}

/** Every change moves these: alone they tell nothing. */
const MOVED_BY_ALL = ['id', 'version', 'createdAt', 'updatedAt'];

/**
 * How rows look in the API to a service key, made of the fields of their types: what the row itself says, and where a
 * column has the id of another object a link to that. What takes arguments, a list or a question to somebody else is
 * left out. Worked out once for each type.
 */
export class Snapshots {
  private readonly shapes: ReadonlyMap<string, Shape>;

  /** Throws if one of the objects is no type of the schema. */
  constructor(schema: GraphQLSchema, objects: readonly string[]) {
    this.shapes = new Map(objects.map((object) => [object, shapeOf(typeNamed(schema, object))]));
  }

  /** The object, with its `__typename`. */
  of(object: string, row: object): object {
    return { __typename: object, ...taken(this.shapeNamed(object), row) };
  }

  /** Whether one of these properties of its row is seen in the object. */
  shows(object: string, properties: readonly string[]): boolean {
    const { reads } = this.shapeNamed(object);
    return properties.some((property) => reads.has(property));
  }

  private shapeNamed(object: string): Shape {
    const shape = this.shapes.get(object);
    if (shape === undefined) throw new Error(`Nobody said that events tell of a ${object}.`);
    return shape;
  }
}

function typeNamed(schema: GraphQLSchema, object: string): GraphQLObjectType {
  const type = schema.getType(object);
  if (!isObjectType(type)) throw new Error(`Events tell of a ${object}, which is no type of the schema.`);
  return type;
}

function taken({ takes }: Shape, row: object): Record<string, unknown> {
  return Object.fromEntries(takes.map(([name, take]) => [name, take(row as Readonly<Record<string, unknown>>)]));
}

function shapeOf(type: GraphQLObjectType): Shape {
  const takes: (readonly [string, Take])[] = [];
  const reads = new Set<string>();
  for (const field of Object.values(type.getFields())) {
    const take = takeOf(field);
    if (take === null) continue;
    takes.push([field.name, take]);
    for (const property of readsOf(field)) reads.add(property);
  }
  for (const property of MOVED_BY_ALL) reads.delete(property);
  return { takes, reads };
}

/** Null for what is left out. */
function takeOf(field: GraphQLField<unknown, unknown>): Take | null {
  const isForService = accessOf(field)?.roles.includes('service') ?? true;
  if (!isForService || field.args.length > 0 || isListType(getNullableType(field.type))) return null;
  return field.resolve === undefined ? ownValue(field.name, field.type) : linkOf(field);
}

function ownValue(name: string, type: GraphQLOutputType): Take | null {
  const named = getNamedType(type);
  if (isLeafType(named)) return (row) => (row[name] === null ? null : named.serialize(row[name]));
  if (!isObjectType(named)) return null;
  const shape = shapeOf(named);
  return (row) => (row[name] === null ? null : taken(shape, row[name] as object));
}

/** A link to the object whose id a column has. */
function linkOf(field: GraphQLField<unknown, unknown>): Take | null {
  const named = getNamedType(field.type);
  const [column, ...others] = readsOf(field);
  if (!isObjectType(named) || others.length > 0 || !column?.endsWith('Id')) return null;
  return (row) => (row[column] === null ? null : { __typename: named.name, id: row[column] });
}

function readsOf({ name, extensions }: GraphQLField<unknown, unknown>): readonly string[] {
  return (extensions['reads'] as readonly string[] | undefined) ?? [name];
}
