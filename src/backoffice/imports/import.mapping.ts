import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { InvalidInput } from '../../platform/errors.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { FIELD_NAMES } from './import.rows.js';
import { intervalOf, MOMENT_FORMATS, PRICE_FORMATS } from './import.values.js';

const words = z.record(z.string(), z.string());
const nounMapping = z.strictObject({
  columns: words.default({}),
  constants: words.default({}),
  values: z.record(z.string(), words).default({}),
  formats: z
    .strictObject({
      priceMinor: z.enum(PRICE_FORMATS).default('minor'),
      billingCycleAnchor: z.enum(MOMENT_FORMATS).default('zone'),
    })
    .default({ priceMinor: 'minor', billingCycleAnchor: 'zone' }),
  repeated: z.enum(['refuse', 'skip']).default('refuse'),
});
const mapping = z.strictObject({
  customers: nounMapping.optional(),
  paymentMethods: nounMapping.optional(),
  subscriptions: nounMapping.optional(),
});

/**
 * How a source's columns become fields: column -> field, field -> constant, field -> (their word -> ours), how prices
 * and moments are written, and whether a line that repeats an externalId is a problem or left out.
 */
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
    // Every scalar as it is written: 007 stays 007.
    return parseYaml(text, { schema: 'failsafe' });
  } catch (error) {
    throw InvalidInput.because(['mapping'], `The mapping file is neither YAML nor JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

function problemsOf(noun: ImportNoun, mapping: NounMapping | undefined) {
  if (mapping === undefined) return [];
  const targets = [...Object.values(mapping.columns), ...Object.keys(mapping.constants), ...Object.keys(mapping.values)];
  const unknown = targets.filter((field) => !isField(noun, field));
  const sources = [...Object.values(mapping.columns), ...Object.keys(mapping.constants)];
  const twice = sources.filter((field, index) => field !== JOINED && sources.indexOf(field) !== index);
  const hasCount = sources.includes('intervalCount');
  const contradicting = Object.entries(mapping.values['intervalUnit'] ?? {}).filter(([word, ours]) => contradicts(word, ours, hasCount));
  return [
    ...unknown.map((field) => `${noun} has no field ${field}; it has ${FIELD_NAMES[noun].join(', ')} and metadata.*.`),
    ...twice.map((field) => `${noun}: ${field} comes from two places: which one counts?`),
    ...contradicting.map(([word, ours]) => `${noun}: ${word} is not ${ours}. Write the count too: "3 month".`),
  ].map((message) => ({ field: ['mapping', noun], message }));
}

/** The field that may come from several columns, which are joined in the order of the mapping: first and last name. */
const JOINED = 'name';

/** Whether a word is mapped to another interval than it names. With a count of its own only the unit is compared. */
function contradicts(word: string, ours: string, hasCount: boolean): boolean {
  const [named, mapped] = [intervalOf(word), intervalOf(ours)];
  return named !== null && mapped !== null && !hasCount && (named.unit !== mapped.unit || named.count !== mapped.count);
}

function isField(noun: ImportNoun, field: string): boolean {
  const hasMetadata = FIELD_NAMES[noun].includes('metadata');
  return field.startsWith('metadata.') ? hasMetadata && field.length > 9 : FIELD_NAMES[noun].includes(field) && field !== 'metadata';
}

/** The field that a column leads to; undefined if it is not looked at. */
export function fieldOf(noun: ImportNoun, mapping: NounMapping | undefined, column: string): string | undefined {
  if (mapping !== undefined) return mapping.columns[column];
  return isField(noun, column) ? column : undefined;
}

/** Turns a source's record into a noun's fields. Without a mapping, columns named like fields are taken. */
export function mapRecord(
  noun: ImportNoun,
  mapping: NounMapping | undefined,
  record: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const flat: Record<string, string> = { ...mapping?.constants };
  const columns = mapping === undefined ? Object.keys(record) : Object.keys(mapping.columns);
  for (const column of columns) {
    const field = fieldOf(noun, mapping, column);
    const value = record[column]?.trim() ?? '';
    if (field === undefined || value === '') continue;
    flat[field] = field === JOINED && flat[field] !== undefined ? `${flat[field]} ${value}` : value;
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
