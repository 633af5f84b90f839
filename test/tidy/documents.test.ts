import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const PROJECT = path.join(import.meta.dirname, '../..');
const notOurs = new Set(['node_modules', 'dist', '.git', '.billing', 'coverage']);
const sections = ['Situation', 'Decision', 'Alternatives', 'Enforced by', 'Measured'];
const architectureWordsMax = 1_500;

const documents = findDocuments('.');
const decisions = documents.filter((file) => file.startsWith('docs/decisions/') && !file.endsWith('README.md'));

describe('ARCHITECTURE.md', () => {
  it(`has at most ${architectureWordsMax} words`, () => {
    expect(read('ARCHITECTURE.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(architectureWordsMax);
  });
});

describe('a decision', () => {
  it('begins with the number of its file, and no two have one', () => {
    const numbers = decisions.map((file) => path.basename(file).slice(0, 4));
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const file of decisions)
      expect([file, titleOf(file)]).toEqual([file, expect.stringMatching(`^${Number(path.basename(file).slice(0, 4))}\\. `)]);
  });

  it.each(decisions)('%s says situation, decision, alternatives, what enforces it and what was measured', (file) => {
    const parts = read(file).split(/^## /m).slice(1);
    expect(parts.map((part) => part.split('\n')[0])).toEqual(sections);
    expect(parts.filter((part) => part.split('\n').slice(1).join('').trim() === '')).toEqual([]);
  });
});

describe('an index', () => {
  it('of the decisions lists each with its title', () => {
    const rows = decisions.map((file) => {
      const name = path.basename(file);
      return `| [${name.slice(0, 4)}](${name}) | ${titleOf(file).replace(/^\d+\. /, '')} |`;
    });
    const listed = read('docs/decisions/README.md').split('\n');
    expect(listed.filter((line) => line.startsWith('| ['))).toEqual(rows);
  });

  it('of the documentation lists each guide', () => {
    const guides = documents.filter((file) => /^docs\/[^/]+$/.test(file) && file !== 'docs/README.md');
    const listed = linksIn(read('docs/README.md'));
    expect(guides.filter((file) => !listed.includes(path.basename(file)))).toEqual([]);
  });
});

describe('every document', () => {
  it('is found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/access.md', 'ops/runbooks/README.md', 'bench/README.md']));
  });

  it.each(documents)('%s links only to what is there', (file) => {
    const broken = linksIn(read(file)).filter((link) => !/^[a-z]+:/.test(link) && !isThere(file, link));
    expect(broken).toEqual([]);
  });

  it.each(documents.filter((file) => !/CHANGELOG|runbooks/.test(file)))('%s names only files that are there', (file) => {
    const named = [...read(file).matchAll(/`([\w.@-]+(?:\/[\w.@-]+)+\/?)`/g)].flatMap(([, name]) => name ?? []);
    expect(named.filter(isOfOurTree).filter((name) => !existsSync(inTree(name)))).toEqual([]);
  });
});

describe('a block of code that names a file', () => {
  const blocks = documents.flatMap((file) =>
    [...read(file).matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', text = '']) => [file, name, text] as const),
  );

  it('is found', () => {
    expect(blocks.map(([, name]) => name)).toEqual(expect.arrayContaining(['test/clients/apollo.ts', 'test/clients/project/codegen.ts']));
  });

  it.each(blocks)('in %s holds what %s holds', (_, name, text) => {
    expect(text).toBe(read(name));
  });
});

describe('the checks of links', () => {
  it('find what is not there, and leave code alone', () => {
    const text = 'See [a](nowhere.md), [b](#no-such-heading) and [c](../README.md#working-on-it).\n```\n[d](code.md)\n```\n`[e](code.md)`';
    expect(linksIn(text).filter((link) => !isThere('docs/access.md', link))).toEqual(['nowhere.md', '#no-such-heading']);
    expect(['platform/vault.ts', 'src/gone.ts', 'billing/gone.ts'].filter((name) => !existsSync(inTree(name)))).toEqual([
      'src/gone.ts',
      'billing/gone.ts',
    ]);
    expect(['application/json', 'text/plain', 'src/gone.ts', 'billing/gone.ts'].filter(isOfOurTree)).toEqual([
      'src/gone.ts',
      'billing/gone.ts',
    ]);
  });
});

/** All Markdown of ours, from the project's root. */
function findDocuments(folder: string): string[] {
  return readdirSync(path.join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : findDocuments(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

function read(file: string): string {
  return readFileSync(path.join(PROJECT, file), 'utf8');
}

function titleOf(file: string): string {
  return /^# (.+)$/m.exec(read(file))?.[1] ?? '';
}

/** Where its links lead; those in code are none. */
function linksIn(text: string): string[] {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].flatMap(([, link]) => link ?? []);
}

function isThere(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : path.posix.join(path.posix.dirname(from), file);
  if (!existsSync(path.join(PROJECT, target))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(anchor);
}

/** The headings as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].flatMap(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Does it begin like a path in our tree, or below src? */
function isOfOurTree(name: string): boolean {
  const [first = ''] = name.split('/');
  // Made by a start, and kept out of the repository.
  if (first === '.billing') return false;
  return [first, path.join('src', first)].some((folder) => statSync(path.join(PROJECT, folder), { throwIfNoEntry: false })?.isDirectory());
}

function inTree(name: string): string {
  const whole = path.join(PROJECT, name);
  return existsSync(whole) ? whole : path.join(PROJECT, 'src', name);
}
