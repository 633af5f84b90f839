import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

/** A node of swc's syntax tree, as far as our rules look into it. */
export interface SyntaxNode {
  type: string;
  [field: string]: unknown;
}

/** One file of ours. */
export interface Source {
  /** From the project's root, with `/`: `src/billing/money.ts`. */
  path: string;
  text: string;
}

/** A file's syntax: its nodes with their lines, parents before children. */
export interface Syntax {
  nodes: { node: SyntaxNode; firstLine: number; lastLine: number }[];
  /** The text with every string, template and regular expression blanked out, lines kept: what is left are code and comments. */
  textWithoutStrings: string;
}

interface Span {
  start: number;
  end: number;
}

const projectRoot = join(import.meta.dirname, '../..');
const generated = /\.generated\.ts$|^client\/(dist|persisted-documents\.json$)/;
const literals = new Set(['StringLiteral', 'TemplateElement', 'RegExpLiteral']);

/** All our TypeScript: of src, migrations, the client, the examples and tests. Folders that do not exist yet count as empty. */
export function readSources(): Source[] {
  return ['src', 'migrations', 'client', 'examples', 'test'].flatMap((folder) => readFolder(folder, /\.tsx?$/));
}

/** Everything else we wrote that runs or configures something, for the rules that look at text only. */
export function readScripts(): Source[] {
  const own = readFolder('.', /^(?!package-lock).*\.(mjs|json|ya?ml)$/, { isDeep: false });
  return [
    ...own,
    ...['bin', '.ci', 'client', 'examples', 'test', 'ops', 'bench'].flatMap((folder) =>
      readFolder(folder, /(\.(mjs|sh|json|ya?ml)|\/[^.]+)$/),
    ),
  ];
}

/** Parses TypeScript, with JSX if the path ends so. Throws swc's message, which shows the place, if it is not valid. */
export function parse(text: string, path = ''): Syntax {
  // swc counts bytes from the first token of the file: a semicolon in front makes that the first byte.
  const bytes = Buffer.from(`;${text.replace(/^#!/, '//')}`);
  const root = parseSync(bytes.toString(), { syntax: 'typescript', tsx: path.endsWith('.tsx'), decorators: true, target: 'es2023' });
  const lineAt = lineCounter(bytes);
  const syntax: Syntax = { nodes: [], textWithoutStrings: '' };
  visit(root, root.span, (node, span) => {
    const start = span.start - root.span.start;
    const end = span.end - root.span.start;
    syntax.nodes.push({ node, firstLine: lineAt(start), lastLine: lineAt(end - 1) });
    if (literals.has(node.type)) blank(bytes, start, end);
  });
  syntax.textWithoutStrings = bytes.toString().slice(1);
  return syntax;
}

/** The node in this field; undefined if there is none. */
export function child(node: Record<string, unknown> | undefined, field: string): SyntaxNode | undefined {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
}

/** What this field lists; nothing if it is no list. */
export function items(node: SyntaxNode, field: string): Record<string, unknown>[] {
  const value = node[field];
  return Array.isArray(value) ? value : [];
}

/** The name of an identifier, a private name, a property or a string; undefined for what is computed. */
export function nameOf(node: SyntaxNode | undefined): string | undefined {
  return typeof node?.['value'] === 'string' ? node['value'] : undefined;
}

function readFolder(folder: string, wanted: RegExp, { isDeep } = { isDeep: true }): Source[] {
  if (!existsSync(join(projectRoot, folder))) return [];
  return readdirSync(join(projectRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return isDeep ? readFolder(path, wanted) : [];
    if (!wanted.test(path) || generated.test(path)) return [];
    return [{ path, text: readFileSync(join(projectRoot, path), 'utf8') }];
  });
}

/** Shows every node below this one, itself included, with its place; a node without one is where its parent is. */
function visit(value: unknown, span: Span, look: (node: SyntaxNode, span: Span) => void): void {
  if (typeof value !== 'object' || value === null) return;
  const own = 'span' in value && isSpan(value.span) ? value.span : span;
  if (isNode(value)) look(value, own);
  for (const below of Object.values(value)) visit(below, own, look);
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function isSpan(value: unknown): value is Span {
  return typeof value === 'object' && value !== null && 'start' in value && 'end' in value;
}

/** Answers which line, from 1, a byte is in. */
function lineCounter(bytes: Buffer): (offset: number) => number {
  const starts = [0];
  for (let at = bytes.indexOf('\n'); at >= 0; at = bytes.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next < 0 ? starts.length : next;
  };
}

function blank(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== 0x0a) bytes[at] = 0x20;
  }
}
