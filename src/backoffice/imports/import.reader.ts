import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough, pipeline } from 'node:stream';
import { InvalidInput } from '../../platform/errors.js';
import { readCsv } from './import.csv.js';
import { assertJsonLines, csvFormOf } from './import.head.js';
import { encodingProblem, RECORD_CHARS_MAX, type SourceRecord } from './import.record.js';

/**
 * The records of a CSV (with a header line) or JSON Lines file, one at a time; `hash` is fed with every byte read.
 * Throws InvalidInput, in one sentence, for a file that is neither.
 */
export async function* readRecords(path: string, hash: Hash = createHash('sha256')): AsyncGenerator<SourceRecord> {
  if (/\.csv$/i.test(path)) yield* readCsv(bytesOf(path, hash), path, await csvFormOf(path));
  else if (/\.(?:jsonl|ndjson)$/i.test(path)) yield* readJsonLines(path, hash);
  else throw InvalidInput.because(['file'], `${path}: only .csv, .jsonl and .ndjson files are read.`);
}

async function* readJsonLines(path: string, hash: Hash): AsyncGenerator<SourceRecord> {
  await assertJsonLines(path);
  let line = 0;
  for await (const text of createInterface({ input: bytesOf(path, hash), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') continue;
    const values = objectOf(line === 1 ? text.replace(/^\uFEFF/, '') : text);
    yield values === null
      ? { line, values: {}, problem: 'is no JSON object of texts, numbers and booleans' }
      : { line, values, problem: encodingProblem(Object.values(values)) };
  }
}

function bytesOf(path: string, hash: Hash): PassThrough {
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
    const value: unknown = JSON.parse(text, asWritten);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const entries = Object.entries(value).filter(([, item]) => item !== null);
    return entries.every(([, item]) => typeof item !== 'object') ? Object.fromEntries(entries.map(([k, v]) => [k, String(v)])) : null;
  } catch {
    return null;
  }
}

/** A number with the digits it has in the file: 9007199254740993 and 1.10 would become others. */
function asWritten(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value;
}
