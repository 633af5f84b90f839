import { Writable } from 'node:stream';
import { BackupError } from './programs.js';

const OF_WHOLE_DATABASES = /^\s*(?:drop|create)\s+(?:database|schema)\b/i;
const MOMENT = /^SET TIMESTAMP=(\d+)/;
const LINE_CHARS_LOOKED_AT = 1_000;

/**
 * Reads logs as text and throws BackupError where a whole database is dropped or made: such a statement names its
 * database itself, so to replay it would hit that one, and is more often than not the accident to go back from.
 */
export class WholeDatabases extends Writable {
  private line = '';
  private moment = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // Every byte is a character: what is not text does not break the lines.
    const [first = '', ...rest] = chunk.toString('latin1').split('\n');
    this.line = (this.line + first).slice(0, LINE_CHARS_LOOKED_AT);
    let refusal: BackupError | null = null;
    for (const next of rest) {
      refusal ??= this.look();
      this.line = next.slice(0, LINE_CHARS_LOOKED_AT);
    }
    done(refusal);
  }

  private look(): BackupError | null {
    this.moment = Number(MOMENT.exec(this.line)?.[1] ?? this.moment);
    if (!OF_WHOLE_DATABASES.test(this.line)) return null;
    const at = new Date(this.moment * 1000).toISOString();
    return new BackupError(
      `The logs hold "${this.line.trim()}" at ${at}: nothing of them was replayed. Give --at with that moment, or one before it.`,
    );
  }
}
