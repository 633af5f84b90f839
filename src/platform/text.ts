/** Whether a text is one line, or may have paragraphs. */
export type TextKind = 'line' | 'paragraphs';

const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const CONTROLS = new RegExp(CONTROL, 'gu');
/** Those that move nothing but to the next line or column. */
const LAYOUT = /[\n\r\t]/g;
const NOT_LAYOUT = /(?![\n\t])[\p{Cc}\u2028\u2029]/gu;

/**
 * What is wrong with a text that somebody sends us, trimmed, in words that follow its name; null if nothing is. The one
 * rule for all of them: a text says something, is well-formed Unicode, and has no control characters; line breaks and
 * tabs only where paragraphs may be.
 */
export function textFault(text: string, kind: TextKind): string | null {
  if (text === '') return 'must not be blank';
  if (!text.isWellFormed()) return 'must be well-formed Unicode: half of a character (a lone surrogate) is in it';
  const rest = kind === 'paragraphs' ? text.replace(LAYOUT, '') : text;
  if (!CONTROL.test(rest)) return null;
  return kind === 'paragraphs' ? 'must not contain control characters' : 'must not contain control characters, such as line breaks';
}

/** A text of anybody's on one line of a terminal: control characters are shown as JSON writes them. */
export function onOneLine(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** Text for a terminal: line ends and tabs get there, other control characters are shown as JSON writes them. */
function forTerminal(text: string): string {
  return text.replace(NOT_LAYOUT, escaped);
}

/** Has a stream take no control characters from strings, whoever prints them and from wherever they came. */
export function guardTerminal(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (...parameters: unknown[]) => boolean;
  const guarded = (chunk: unknown, ...rest: unknown[]) => write(typeof chunk === 'string' ? forTerminal(chunk) : chunk, ...rest);
  stream.write = guarded as typeof stream.write;
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
