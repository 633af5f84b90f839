import { Lexer, Source, type Token, TokenKind } from 'graphql';
import { TOKENS_MAX } from '../graphql/query-limits.js';
import { type CardDataKind, findCardData, findNamed } from '../platform/card-data.js';
import { hasCardNumber } from '../platform/card-number.js';

/**
 * What of card or bank data a GraphQL document has: as it is written, and as it is meant, once escapes are read.
 */
export function findInDocument(document: string): CardDataKind | null {
  const written = findCardData(document);
  if (written !== null) return written.kind;
  /** The names around a token, outermost first. */
  const names: string[] = [''];
  for (const token of tokensOf(document)) {
    const kind = kindOf(token, names);
    if (kind !== null) return kind;
    if (token.kind === TokenKind.BRACE_L) names.push('');
    else if (token.kind === TokenKind.BRACE_R && names.length > 1) names.pop();
  }
  return null;
}

function kindOf({ kind, value, next }: Token, names: string[]): CardDataKind | null {
  switch (kind) {
    case TokenKind.NAME:
      if (next?.kind === TokenKind.COLON) names[names.length - 1] = value;
      // A name must begin with a letter: here letters do not make an identifier of digits.
      return hasCardNumber(value.replaceAll(/[A-Za-z]/g, '#')) ? 'card_number' : null;
    case TokenKind.INT:
    case TokenKind.STRING:
    case TokenKind.BLOCK_STRING:
      return findNamed([names.at(-2) ?? '', names.at(-1) ?? ''], value);
    case TokenKind.COMMENT:
      return findCardData(value)?.kind ?? null;
    default:
      return null;
  }
}

/** The tokens of a document up to where it is none, or is refused for their number. */
function* tokensOf(document: string): Generator<Token> {
  const lexer = new Lexer(new Source(document));
  let waiting = lexer.token;
  for (let read = 0; read <= TOKENS_MAX; read += 1) {
    try {
      lexer.advance();
    } catch {
      return;
    }
    // Comments stand between the tokens that are advanced to; each token is told once its next is known.
    while (waiting !== lexer.token) {
      yield waiting;
      if (waiting.next === null) return;
      waiting = waiting.next;
    }
    if (waiting.kind === TokenKind.EOF) return;
  }
}
