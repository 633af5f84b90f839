import { readFile } from 'node:fs/promises';
import path from 'node:path';

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** Lines that a document gives its reader to run. */
export interface Block {
  /** The heading above it. */
  readonly heading: string;
  readonly lines: string;
}

/** The blocks of shell lines of a document of this repository, in order. */
export function shellBlocksOf(document: string): Promise<Block[]> {
  return codeBlocksOf(document, 'sh');
}

/** The blocks of a document that are of one language, in order. */
export async function codeBlocksOf(document: string, wanted: string): Promise<Block[]> {
  const text = await readFile(path.join(PROJECT, document), 'utf8');
  let heading = '';
  const blocks: Block[] = [];
  for (const [, language, lines = '', title] of text.matchAll(/^```(\w*)\n(.*?)^```$|^#+ ([^\n]*)$/gms)) {
    if (title !== undefined) heading = title;
    else if (language === wanted) blocks.push({ heading, lines });
  }
  return blocks;
}
