import { posix } from 'node:path';
import { child, items, nameOf, parse, type Source, type SyntaxNode } from './source.js';

/** One file's use of another file or of a library. */
export interface Import {
  /** From the project's root: `src/billing/money.ts`. */
  from: string;
  /** The same for our own files, else what was written: `node:fs`, `type-graphql`. */
  to: string;
  /** Gone after compilation: `import type`, or nothing but `type` names between the braces. */
  isTypeOnly: boolean;
}

/** Every import, re-export, dynamic import and import type in a file. What is imported under a computed name is not seen. */
export function findImports({ path, text }: Source): Import[] {
  return parse(text, path).nodes.flatMap(({ node }) => {
    const to = nameOf(importedFrom(node));
    return to === undefined ? [] : [{ from: path, to: resolve(path, to), isTypeOnly: isTypeOnly(node) }];
  });
}

/** Reads `src/a.ts -> src/b.ts` or, for one of types only, `src/a.ts -> type src/b.ts`. */
export function readArrow(arrow: string): Import {
  const [from = '', to = ''] = arrow.split(' -> ');
  return { from, to: to.replace(/^type /, ''), isTypeOnly: to.startsWith('type ') };
}

/** The opposite of `readArrow`. */
export function writeArrow({ from, to, isTypeOnly }: Import): string {
  return `${from} -> ${isTypeOnly ? 'type ' : ''}${to}`;
}

/** Circles of files that import each other, each as `a > b > a`; at least one for every knot, none only if there is none. */
export function findCircles(imports: Import[]): string[] {
  const importedBy = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (file: string, way: string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' > '));
    if (done.has(file) || way.includes(file)) return;
    for (const { to } of importedBy.get(file) ?? []) follow(to, [...way, file]);
    done.add(file);
  };
  for (const file of importedBy.keys()) follow(file, []);
  return circles;
}

function importedFrom(node: SyntaxNode): SyntaxNode | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return child(node, 'source');
    case 'TsImportType':
      return child(node, 'argument');
    case 'CallExpression':
      return child(node, 'callee')?.type === 'Import' ? child(items(node, 'arguments')[0], 'expression') : undefined;
    default:
      return undefined;
  }
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.type === 'TsImportType' || node['typeOnly'] === true) return true;
  const names = items(node, 'specifiers');
  return names.length > 0 && names.every((name) => name['isTypeOnly'] === true);
}

function resolve(path: string, to: string): string {
  return to.startsWith('.') ? posix.join(posix.dirname(path), to).replace(/\.js$/, '.ts') : to;
}
