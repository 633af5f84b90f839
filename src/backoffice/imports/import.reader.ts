import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough, pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { InvalidInput } from '../../platform/errors.js';

/** One record of a file as it stands there, or what is wrong with its form. */
export interface SourceRecord {
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
  readonly problem: string | null;
}

/** The largest record taken, characters; longer ones are a missing quote or no text file. */
const RECORD_CHARS_MAX = 100_000;

/** The records of a CSV (with a header line) or JSON Lines file, one at a time; `hash` is fed with every byte read. */
export async function* readRecords(path: string, hash: Hash = createHash('sha256')): AsyncGenerator<SourceRecord> {
  if (/\.csv$/i.test(path)) yield* readCsv(path, hash);
  else if (/\.(?:jsonl|ndjson)$/i.test(path)) yield* readJsonLines(path, hash);
  else throw InvalidInput.because(['file'], `${path}: only .csv, .jsonl and .ndjson files are read.`);
}

async function* readCsv(path: string, hash: Hash): AsyncGenerator<SourceRecord> {
  const parser = parse({
    bom: true,
    columns: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: RECORD_CHARS_MAX,
  });
  pipeline(bytesOf(path, hash), parser, () => undefined);
  let previous = 1;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number; error?: CsvError };
    }>) {
      const line = previous + 1;
      previous = info.lines;
      const isUneven = info.error !== undefined;
      const values = Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value ?? '')]));
      yield { line, values, problem: isUneven ? 'has not as many columns as the header' : encodingProblem(values) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    yield { line: previous + 1, values: {}, problem: `is no CSV, and nothing after it can be read (${error.code})` };
  }
}

async function* readJsonLines(path: string, hash: Hash): AsyncGenerator<SourceRecord> {
  let line = 0;
  for await (const text of createInterface({ input: bytesOf(path, hash), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') continue;
    const values = objectOf(text);
    yield values === null
      ? { line, values: {}, problem: 'is no JSON object of texts, numbers and booleans' }
      : { line, values, problem: encodingProblem(values) };
  }
}

function bytesOf(path: string, hash: Hash): NodeJS.ReadableStream {
  const counted = new PassThrough({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return pipeline(createReadStream(path), counted, () => undefined);
}

function objectOf(text: string): Record<string, string> | null {
  if (text.length > RECORD_CHARS_MAX) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const entries = Object.entries(value).filter(([, item]) => item !== null);
    return entries.every(([, item]) => typeof item !== 'object') ? Object.fromEntries(entries.map(([k, v]) => [k, String(v)])) : null;
  } catch {
    return null;
  }
}

function encodingProblem(values: Readonly<Record<string, string>>): string | null {
  return Object.values(values).some((value) => value.includes('\uFFFD')) ? 'is not UTF-8' : null;
}
