import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import type { LogPosition, Tables } from './manifest.js';

const [NEWLINE, QUOTE, BACKSLASH, OPEN, CLOSE, SEMICOLON, LAST_OF_VALUES] = ['\n', "'", '\\', '(', ')', ';', 'S'].map((char) =>
  char.charCodeAt(0),
);

const INSERT = /^INSERT INTO `([^`]+)` VALUES$/;
const CREATE = /^CREATE TABLE `([^`]+)`/;
const POSITION = /^-- CHANGE .*(?:MASTER|SOURCE)_LOG_FILE='([^']+)', (?:MASTER|SOURCE)_LOG_POS=(\d+)/;
const MIGRATIONS = 'billing_migrations';

type State = 'line' | 'between rows' | 'row' | 'string' | 'escaped';

/**
 * Reads a dump while it flows by, and counts and hashes the rows of each table. The bytes pass unchanged, so what is
 * counted is what is kept, and it is one consistent snapshot because the dump is. Rows are hashed one by one: how
 * many of them a dump puts into a statement does not matter.
 */
export class DumpReader extends Transform {
  position: LogPosition | null = null;
  schemaVersion = '';
  private readonly found = new Map<string, { readonly hash: Hash; rows: number }>();
  private state: State = 'line';
  private line = '';
  private table = '';
  private rowText = '';

  /** @param onFirstTable hears of the first table that comes by: by then the snapshot had been taken */
  constructor(private readonly onFirstTable: () => void = () => undefined) {
    super();
  }

  get tables(): Tables {
    const entries = [...this.found].map(([name, { hash, rows }]) => [name, { rows, sha256: hash.copy().digest('hex') }] as const);
    return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.scan(chunk);
    done(null, chunk);
  }

  private scan(chunk: Buffer): void {
    let rowFrom = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.state === 'string') {
        if (byte === QUOTE) this.state = 'row';
        else if (byte === BACKSLASH) this.state = 'escaped';
      } else if (this.state === 'escaped') this.state = 'string';
      else if (this.state === 'row') {
        if (byte === QUOTE) this.state = 'string';
        else if (byte === CLOSE) this.endRow(chunk.subarray(rowFrom, at + 1));
      } else if (this.state === 'between rows') {
        if (byte === OPEN) [this.state, rowFrom] = ['row', at];
        else if (byte === SEMICOLON) this.state = 'line';
      } else this.readLine(byte);
    }
    if (this.state !== 'line' && this.state !== 'between rows') this.hashPart(chunk.subarray(rowFrom));
  }

  private readLine(byte: number): void {
    if (byte === NEWLINE) {
      this.endLine(this.line);
      this.line = '';
      return;
    }
    this.line += String.fromCharCode(byte);
    const table = byte === LAST_OF_VALUES ? INSERT.exec(this.line)?.[1] : undefined;
    if (table === undefined) return;
    [this.table, this.state, this.line] = [table, 'between rows', ''];
  }

  private endLine(line: string): void {
    const [, created] = CREATE.exec(line) ?? [];
    if (created !== undefined) {
      if (this.found.size === 0) this.onFirstTable();
      this.tableOf(created);
    }
    const [, file, offset] = POSITION.exec(line) ?? [];
    if (file !== undefined) this.position = { file, offset: Number(offset) };
  }

  private endRow(rest: Buffer): void {
    this.hashPart(rest);
    const table = this.tableOf(this.table);
    table.hash.update('\n');
    table.rows += 1;
    if (this.table === MIGRATIONS) this.noteMigration();
    this.state = 'between rows';
  }

  private hashPart(part: Buffer): void {
    this.tableOf(this.table).hash.update(part);
    if (this.table === MIGRATIONS) this.rowText += part.toString();
  }

  private noteMigration(): void {
    const [, name = ''] = /'(\d{4}-[^']*)'/.exec(this.rowText) ?? [];
    if (name > this.schemaVersion) this.schemaVersion = name;
    this.rowText = '';
  }

  private tableOf(name: string): { readonly hash: Hash; rows: number } {
    const known = this.found.get(name) ?? { hash: createHash('sha256'), rows: 0 };
    this.found.set(name, known);
    return known;
  }
}
