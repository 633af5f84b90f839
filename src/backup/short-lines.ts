import { Transform, type TransformCallback } from 'node:stream';

/**
 * Changes the short lines of a text while it flows by. Longer ones pass as they are, whatever their length: a row of
 * a dump may be of megabytes. Every byte is a character, so that what is not text is not broken.
 */
export class ShortLines extends Transform {
  private line = '';
  private isLong = false;

  /** @param change what becomes of a line, without its end; null leaves the line out */
  constructor(private readonly change: (line: string) => string | null) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let text = '';
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      text += this.ended(chunk.toString('latin1', from, end));
      from = end + 1;
    }
    text += this.begun(chunk.toString('latin1', from));
    done(null, Buffer.from(text, 'latin1'));
  }

  override _flush(done: TransformCallback): void {
    done(null, Buffer.from(this.line, 'latin1'));
  }

  private ended(rest: string): string {
    const [line, isLong] = [this.line + rest, this.isLong || this.line.length + rest.length > SHORT_MAX];
    [this.line, this.isLong] = ['', false];
    if (isLong) return `${line}\n`;
    const changed = this.change(line);
    return changed === null ? '' : `${changed}\n`;
  }

  private begun(part: string): string {
    this.line += part;
    this.isLong ||= this.line.length > SHORT_MAX;
    if (!this.isLong) return '';
    const text = this.line;
    this.line = '';
    return text;
  }
}

const NEWLINE = 10;
const SHORT_MAX = 16_384;
