import { Writable } from 'node:stream';
import { type LogEvent, LogLines } from './log-text.js';
import type { LogPosition } from './manifest.js';
import { BackupError } from './programs.js';

/**
 * How many rows a table has after the logs: so many more than it had before them, or so many that it began anew
 * with.
 */
export interface RowChange {
  readonly isAnew: boolean;
  readonly rows: number;
}

/** The newest event of the audit trail that is in the logs. */
export interface AuditMark {
  readonly appId: string;
  readonly id: string;
}

const LINE_CHARS_LOOKED_AT = 1_000;
const ROWS = /^### (INSERT INTO|UPDATE|DELETE FROM) `[^`]+`\.`([^`]+)`$/;
const FIELD = /^### {3}@([12])='([^']*)'/;
const AUDIT_TRAIL = 'billing_events';
const OF_WHOLE_DATABASES = /^(?:drop|create)\s+(?:database|schema)\b/i;
const OF_ROWS = /^(?:insert|update|delete|replace|load\s+data)\b/i;
const MADE = /^create\s+(?:or\s+replace\s+)?table\s+(if\s+not\s+exists\s+)?(?:`?\w+`?\.)?`?(\w+)/i;
const EMPTIED = /^truncate\s+(?:table\s+)?(?:`?\w+`?\.)?`?(\w+)/i;
const DROPPED = /^drop\s+table\s+(?:if\s+exists\s+)?([^/;]+)/i;
const RENAMED = /^(?:rename\s+table\b|alter\s+table\s+\S+\s+rename\s+(?!column|index|key))/i;

/**
 * Reads logs as text, from the first transaction that counts to their very end, and says what doing them again must
 * come to: the place of the last transaction before a moment, how many rows each table has by then, and the last
 * event of the audit trail. Throws BackupError where a whole database is dropped or made before that moment: such a
 * statement names its database itself, so to do it again would hit that one, and is more often than not the accident
 * to go back from.
 */
export class LogSurvey {
  /** Where the last transaction that counts ends; null if none does. */
  end: LogPosition | null = null;
  /** When it was committed, by the server that wrote it. */
  endedAt: Date | null = null;
  /** The newest moment that the logs tell of, counted or not. */
  newestAt: Date | null = null;
  audit: AuditMark | null = null;
  /** Why the rows cannot be counted; null if they can. */
  uncountable: string | null = null;
  readonly changes = new Map<string, RowChange>();
  /** Whether the logs go on after the last transaction that counts. */
  isPast = false;
  /**
   * Transactions after the last that counts which are dated before the moment: each has the time of the server, or the
   * node of a cluster, where it was written.
   */
  readonly datedBefore = { transactions: 0, ms: 0 };
  private pending: Transaction = new Transaction();

  /** @param until without and after this moment nothing counts; null for all there is */
  constructor(private readonly until: Date | null) {}

  /** Takes the text of one log file; files are given in their order. */
  reading(file: string): Writable {
    this.pending = new Transaction();
    const [lines, statements] = [new LogLines(), { isOpen: false }];
    let event: LogEvent | null = null;
    return byLine((line) => {
      const begun = lines.event(line);
      if (begun !== null) event = begun;
      if (event === null || begun !== null) return;
      if (line.startsWith('###')) this.pending.note(line);
      else if (lines.begins(line)) this.statement(line, { file, event, statements });
    });
  }

  private statement(
    line: string,
    { file, event, statements }: { readonly file: string; readonly event: LogEvent; readonly statements: { isOpen: boolean } },
  ): void {
    if (/^(?:BEGIN|START TRANSACTION)\b/.test(line)) statements.isOpen = true;
    else if (/^ROLLBACK\b/.test(line)) [statements.isOpen, this.pending] = [false, new Transaction()];
    else if (/^COMMIT\b/.test(line)) {
      statements.isOpen = false;
      this.done(file, event);
    } else if (OF_ROWS.test(line)) this.pending.uncountable = line;
    else if (!statements.isOpen && !line.startsWith('BINLOG')) {
      this.pending.define(line);
      this.done(file, event);
    }
  }

  /** A transaction, or a statement that is one, is complete. */
  private done(file: string, event: LogEvent): void {
    const { pending } = this;
    this.pending = new Transaction();
    if (this.newestAt === null || event.at > this.newestAt) this.newestAt = event.at;
    this.isPast ||= this.until !== null && event.at >= this.until;
    if (this.isPast) {
      this.noteOrder(event);
      return;
    }
    if (pending.ofDatabase !== null)
      throw new BackupError(
        `The logs hold "${pending.ofDatabase}" at ${event.at.toISOString()}: nothing of them was replayed. Give --at with that moment, or one before it.`,
      );
    [this.end, this.endedAt] = [{ file, offset: event.end }, event.at];
    this.uncountable ??= pending.uncountable;
    this.audit = pending.audit ?? this.audit;
    for (const [table, { isAnew, rows }] of pending.changes) {
      const before = this.changes.get(table);
      this.changes.set(table, isAnew || before === undefined ? { isAnew, rows } : { isAnew: before.isAnew, rows: before.rows + rows });
    }
  }

  private noteOrder({ at }: LogEvent): void {
    const ms = (this.until?.getTime() ?? 0) - at.getTime();
    if (ms <= 0) return;
    this.datedBefore.transactions += 1;
    this.datedBefore.ms = Math.max(this.datedBefore.ms, ms);
  }
}

/** What one transaction does, before it is known whether it counts. */
class Transaction {
  readonly changes = new Map<string, RowChange>();
  audit: AuditMark | null = null;
  uncountable: string | null = null;
  ofDatabase: string | null = null;
  private isAudit = false;
  private appId = '';

  /** A line about a row. */
  note(line: string): void {
    const [, verb, table = ''] = ROWS.exec(line) ?? [];
    if (verb !== undefined) {
      this.isAudit = table === AUDIT_TRAIL && verb === 'INSERT INTO';
      const { isAnew, rows } = this.changes.get(table) ?? { isAnew: false, rows: 0 };
      this.changes.set(table, { isAnew, rows: rows + (verb === 'INSERT INTO' ? 1 : verb === 'UPDATE' ? 0 : -1) });
      return;
    }
    const [, field, value = ''] = (this.isAudit && FIELD.exec(line)) || [];
    if (field === '1') this.appId = value;
    if (field === '2') this.audit = { appId: this.appId, id: value };
  }

  /** A statement that is not about rows. */
  define(statement: string): void {
    if (OF_WHOLE_DATABASES.test(statement)) this.ofDatabase = statement.trim();
    if (RENAMED.test(statement)) this.uncountable = statement;
    const [, onlyIfNew, made] = MADE.exec(statement) ?? [];
    if (made !== undefined && onlyIfNew === undefined) this.changes.set(made, { isAnew: true, rows: 0 });
    const emptied = EMPTIED.exec(statement)?.[1];
    if (emptied !== undefined) this.changes.set(emptied, { isAnew: true, rows: 0 });
    const dropped = (DROPPED.exec(statement)?.[1] ?? '').split(',').map((name) => name.trim().replaceAll('`', '').replace(/^.*\./, ''));
    for (const name of dropped.filter((text) => text !== '')) this.changes.set(name, { isAnew: true, rows: 0 });
  }
}

/**
 * Hands over line after line, each cut to what is looked at. Every byte is a character: what is not text breaks no
 * line.
 */
function byLine(take: (line: string) => void): Writable {
  let line = '';
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        const [first = '', ...rest] = chunk.toString('latin1').split('\n');
        line = (line + first).slice(0, LINE_CHARS_LOOKED_AT);
        for (const next of rest) {
          take(line);
          line = next.slice(0, LINE_CHARS_LOOKED_AT);
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
