import type { WriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { InvalidInput } from '../platform/errors.js';

/** What was found on the way: all in a file for its owner only, if there is one, and the first on the terminal. */
export class Report {
  private readonly shown: object[] = [];

  private constructor(
    private readonly file: { readonly name: string; readonly stream: WriteStream } | null,
    private readonly showMax: number,
    private readonly isJson: boolean,
  ) {}

  /** Throws InvalidInput where the file cannot be written. */
  static async open(file: string | null, showMax: number, isJson: boolean): Promise<Report> {
    if (file === null) return new Report(null, showMax, isJson);
    const name = path.resolve(file);
    const handle: FileHandle = await open(name, 'w', 0o600).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw InvalidInput.because(['report'], `The report cannot be written (${reason}): name another place with --report.`);
    });
    return new Report({ name, stream: handle.createWriteStream() }, showMax, isJson);
  }

  /** A sentence. */
  get whereAllIs(): string {
    return this.file === null ? 'With --report FILE all of them are kept.' : `All of them are in ${this.file.name}.`;
  }

  add(problem: object): void {
    this.file?.stream.write(`${JSON.stringify(problem)}\n`);
    if (this.shown.length < this.showMax) this.shown.push(problem);
  }

  /** Prints the answer: as JSON, or the first problems and these lines. */
  end(answer: object, lines: readonly string[]): void {
    if (this.isJson) process.stdout.write(`${JSON.stringify({ ...answer, shown: this.shown })}\n`);
    else process.stdout.write([...this.shown.map(lineOf), ...lines].map((line) => `${line}\n`).join(''));
  }

  async close(): Promise<void> {
    if (this.file === null) return;
    this.file.stream.end();
    await finished(this.file.stream);
  }
}

function lineOf(problem: object): string {
  const { noun, line, itemKey, key, field, problem: what, reason } = problem as Readonly<Record<string, unknown>>;
  return [noun, line === null || line === undefined ? (itemKey ?? key) : `line ${line}`, field, what ?? reason]
    .filter((part) => part)
    .join('\t');
}
