import { open } from 'node:fs/promises';
import { InvalidInput } from '../../platform/errors.js';

const HEAD_BYTES = 65_536;
const DELIMITERS = [',', ';', '\t', '|'];

/** How a CSV file separates its columns. */
export interface CsvForm {
  readonly delimiter: string;
  /** Whether the first line only says so (`sep=;`), as Excel writes it. */
  readonly isSaid: boolean;
}

/** What else a file may be than the text it is called, by its first bytes. */
const OTHERS: Readonly<Record<string, string>> = {
  'PK\x03\x04': 'is an Excel workbook or another zip file: save it as CSV (UTF-8)',
  '\xff\xfe': 'is UTF-16: save it as UTF-8',
  '\xfe\xff': 'is UTF-16: save it as UTF-8',
  '\x1f\x8b': 'is compressed: unpack it first',
  '%PDF': 'is a PDF',
};

/** The form of a CSV file, by its first line. Throws InvalidInput, in one sentence, for a file that is none. */
export async function csvFormOf(path: string): Promise<CsvForm> {
  const head = await headOf(path);
  if (/^\s*[[{]/.test(head)) throw refused(path, 'looks like JSON: call it .jsonl, with an object on each line');
  if (/^\s*</.test(head)) throw refused(path, 'looks like HTML or XML, not CSV');
  const [first = ''] = head.split(/\r\n|\n|\r/, 1);
  const said = /^"?sep=(.)"?$/i.exec(first)?.[1];
  if (said !== undefined) return { delimiter: said, isSaid: true };
  const outside = first.replaceAll(/"(?:[^"]|"")*"/g, '');
  const counted = DELIMITERS.map((delimiter) => ({ delimiter, count: outside.split(delimiter).length }));
  const { delimiter } = counted.reduce((best, next) => (next.count > best.count ? next : best));
  return { delimiter, isSaid: false };
}

/** Throws InvalidInput, in one sentence, for a file that cannot be JSON Lines. */
export async function assertJsonLines(path: string): Promise<void> {
  const head = await headOf(path);
  if (/^\s*\[/.test(head)) throw refused(path, 'is one JSON array: write each object on a line of its own');
  if (!/^\s*\{/.test(head)) throw refused(path, 'is no JSON Lines: its first line has no object');
}

async function headOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const bytes = buffer.subarray(0, bytesRead);
    const begun = bytes.toString('latin1', 0, 4);
    const other = Object.keys(OTHERS).find((sign) => begun.startsWith(sign));
    if (other !== undefined) throw refused(path, OTHERS[other] ?? '');
    if (bytes.includes(0)) throw refused(path, 'is no text');
    const text = bytes.toString().replace(/^\uFEFF/, '');
    if (text.trim() === '' && bytesRead < HEAD_BYTES) throw refused(path, 'is empty');
    return text;
  } finally {
    await file.close();
  }
}

function refused(path: string, what: string): InvalidInput {
  return InvalidInput.because(['file'], `${path} ${what}.`);
}
