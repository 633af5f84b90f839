/** One record of a file as it stands there, or what is wrong with its form. */
export interface SourceRecord {
  /** The line on which it begins. */
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
  readonly problem: string | null;
}

/** The largest record taken, characters; longer ones are a missing quote or no text file. */
export const RECORD_CHARS_MAX = 100_000;

/** Whether texts were in another encoding: what could not be read as UTF-8 is a sign of its own then. */
export function encodingProblem(texts: readonly string[]): string | null {
  return texts.some((text) => text.includes('\uFFFD')) ? 'is not UTF-8' : null;
}
