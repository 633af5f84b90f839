import { CsvError, type InfoRecord, type Options, type Parser, parse } from 'csv-parse';
import { InvalidInput } from '../../platform/errors.js';
import type { CsvForm } from './import.head.js';
import { encodingProblem, RECORD_CHARS_MAX, type SourceRecord } from './import.record.js';

/** A record as csv-parse tells it: its cells, and the line where it begins. */
interface Cells {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The records of a CSV file with a header. Rows without any value are left out. A file whose quotes do not match is
 * read up to there: the record is told with its line. Throws InvalidInput for a header that has a name twice.
 */
export async function* readCsv(bytes: AsyncIterable<Buffer>, path: string, form: CsvForm): AsyncGenerator<SourceRecord> {
  let header: readonly string[] | null = null;
  for await (const { line, cells, problem } of cellsOf(bytes, form)) {
    if (problem !== null) yield { line, values: {}, problem };
    else if (header === null) header = headerOf(cells, path);
    else if (cells.some((cell) => cell.trim() !== '')) yield recordOf(header, { line, cells });
  }
}

function headerOf(cells: readonly string[], path: string): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice !== undefined) throw InvalidInput.because(['file'], `${path} has the column ${twice} twice: which one counts?`);
  return names;
}

function recordOf(header: readonly string[], { line, cells }: Cells): SourceRecord {
  const values = Object.fromEntries(header.flatMap((name, index) => (name === '' ? [] : [[name, cells[index] ?? '']])));
  const isUneven = cells.length < header.length || cells.slice(header.length).some((cell) => cell.trim() !== '');
  return { line, values, problem: isUneven ? 'has not as many columns as the header' : encodingProblem(cells) };
}

/**
 * Taken from the parser as it reads: what it has read when it fails would be lost in its own buffer, and with it the
 * count of lines.
 */
async function* cellsOf(bytes: AsyncIterable<Buffer>, form: CsvForm): AsyncGenerator<Cells & { readonly problem: string | null }> {
  const read: Cells[] = [];
  let ended = { line: 0, empty: 0 };
  const options: Options = {
    bom: true,
    delimiter: form.delimiter,
    from_line: form.isSaid ? 2 : 1,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: RECORD_CHARS_MAX,
    on_record: (record: unknown, info) => {
      const cells = record as readonly string[];
      read.push({ line: lineAfter(ended, info), cells });
      ended = { line: info.lines, empty: info.empty_lines };
      return null;
    },
  };
  ended = { line: form.isSaid ? 1 : 0, empty: 0 };
  const parser = parse(options);
  let failure: unknown = null;
  const failed = (error: unknown) => {
    failure ??= error;
  };
  parser.on('error', failed).resume();
  for await (const chunk of bytes) {
    await written(parser, chunk).catch(failed);
    for (const one of read.splice(0)) yield { ...one, problem: null };
    if (failure !== null) break;
  }
  if (failure === null) await flushed(parser);
  for (const one of read.splice(0)) yield { ...one, problem: null };
  if (failure === null) return;
  if (!(failure instanceof CsvError)) throw failure;
  yield {
    line: lineAfter(ended, failure as unknown as InfoRecord),
    cells: [],
    problem: `is no CSV, and nothing after it can be read (${failure.code})`,
  };
}

/** The line on which a record begins: after the end of the last one, and after the empty lines between. */
function lineAfter(ended: { readonly line: number; readonly empty: number }, info: { readonly empty_lines: number }): number {
  return ended.line + 1 + info.empty_lines - ended.empty;
}

function written(parser: Parser, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function flushed(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    parser.once('close', resolve);
    parser.end();
  });
}
