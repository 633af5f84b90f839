import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { InvalidInput } from '../../platform/errors.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { FIELD_NAMES } from './import.rows.js';

const nounMapping = z.strictObject({
  columns: z.record(z.string(), z.string()).default({}),
  constants: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  values: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))).default({}),
});
const mapping = z.strictObject({
  customers: nounMapping.optional(),
  paymentMethods: nounMapping.optional(),
  subscriptions: nounMapping.optional(),
});

/** How a source's columns become fields: column -> field, field -> constant, field -> (their word -> ours). */
export type NounMapping = z.output<typeof nounMapping>;
export type ImportMapping = z.output<typeof mapping>;

/** Reads a mapping file (YAML, of which JSON is a part). Throws InvalidInput that names everything that is wrong. */
export function parseMapping(text: string): ImportMapping {
  const parsed = mapping.safeParse(yamlOf(text) ?? {});
  if (!parsed.success) {
    throw new InvalidInput(
      parsed.error.issues.map((issue) => ({
        field: ['mapping', ...issue.path.map(String)],
        message: `Mapping, ${issue.path.join('.')}: ${issue.message}.`,
      })),
    );
  }
  const problems = IMPORT_NOUNS.flatMap((noun) => problemsOf(noun, parsed.data[noun]));
  if (problems.length > 0) throw new InvalidInput(problems);
  return parsed.data;
}

function yamlOf(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw InvalidInput.because(['mapping'], `The mapping file is neither YAML nor JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

function problemsOf(noun: ImportNoun, mapping: NounMapping | undefined) {
  if (mapping === undefined) return [];
  const targets = [...Object.values(mapping.columns), ...Object.keys(mapping.constants), ...Object.keys(mapping.values)];
  const unknown = targets.filter((field) => !isField(noun, field));
  return unknown.map((field) => ({
    field: ['mapping', noun],
    message: `${noun} has no field ${field}; it has ${FIELD_NAMES[noun].join(', ')} and metadata.*.`,
  }));
}

function isField(noun: ImportNoun, field: string): boolean {
  const hasMetadata = FIELD_NAMES[noun].includes('metadata');
  return field.startsWith('metadata.') ? hasMetadata && field.length > 9 : FIELD_NAMES[noun].includes(field) && field !== 'metadata';
}

/** Turns a source's record into a noun's fields. Without a mapping, columns named like fields are taken. */
export function mapRecord(
  noun: ImportNoun,
  mapping: NounMapping | undefined,
  record: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const flat: Record<string, string> = { ...mapping?.constants };
  for (const [column, value] of Object.entries(record)) {
    const field = mapping === undefined ? (isField(noun, column) ? column : undefined) : mapping.columns[column];
    if (field !== undefined && value.trim() !== '') flat[field] = value.trim();
  }
  const fields: Record<string, unknown> = {};
  const metadata: Record<string, string> = {};
  for (const [field, value] of Object.entries(flat)) {
    const translated = mapping?.values[field]?.[value] ?? value;
    if (field.startsWith('metadata.')) metadata[field.slice('metadata.'.length)] = translated;
    else if (translated !== '') fields[field] = translated;
  }
  return Object.keys(metadata).length === 0 ? fields : { ...fields, metadata };
}
