import { describe, expect, it } from '@jest/globals';
import { child, nameOf, parse, readScripts, readSources, type SyntaxNode } from './source.js';

/** Something that no file it applies to may contain. */
interface Rule {
  name: string;
  sentence: string;
  appliesTo: RegExp;
  /** Is this node a violation? */
  inSyntax?: (node: SyntaxNode) => boolean;
  /** Is this line a violation? Strings in it are blanked out, comments are not. */
  inLine?: RegExp;
  /** Code that must be found, and code that must not: the proof that the rule works. */
  bites: string[];
  spares: string[];
}

const everywhere = /./;
const LOCKS_OF_ONE_NODE = /\b((get|release|is_free|is_used)_lock\s*\(|lock tables?\b|xa (start|begin|prepare)\b)/i;
const forbiddenCalls = new Set(['createQueryBuilder', 'qb', 'execute', 'getReference', 'upsert', 'upsertMany', 'transactional']);
const testFunctions = new Set(['describe', 'it', 'test']);
const focusedOrSkipped = new Set(['fdescribe', 'fit', 'xdescribe', 'xit', 'xtest']);

const rules: Rule[] = [
  {
    name: 'any',
    sentence: 'No `any`: parse at the edge, trust inside.',
    appliesTo: everywhere,
    inSyntax: (node) => node.type === 'TsKeywordType' && node['kind'] === 'any',
    bites: ['let x: any;', 'f(x as any);', 'const y: Record<string, any> = {};', 'function f(...a: any[]) {}'],
    spares: ['let x: unknown; // any', 'const any = 1;', "f('x as any');", 'expect.any(Number);'],
  },
  {
    name: 'non-null',
    sentence: 'No `!` to silence null: narrow it or throw.',
    appliesTo: everywhere,
    inSyntax: (node) => node.type === 'TsNonNullExpression',
    bites: ['a!.b;', 'f(rows[0]!);', 'a! = 1;'],
    spares: ['class A { id!: string; }', 'if (!a) f();', 'if (a !== b) f();'],
  },
  {
    name: 'ts-ignore',
    sentence: 'No @ts-ignore and no @ts-nocheck: they hide the next error too.',
    appliesTo: everywhere,
    inLine: /(\/\/|\/?\*)\s*@ts-(ignore|nocheck)/,
    bites: ['// @ts-ignore', '/* @ts-nocheck */', 'f(); // @ts-ignore: later'],
    spares: ["f('// @ts-ignore');", '// The compiler must see this: no @ts-ignore.'],
  },
  {
    name: 'focus',
    sentence: 'No focused and no skipped tests.',
    appliesTo: /^test\//,
    inSyntax: isFocusedOrSkipped,
    bites: ["it.only('a', f);", "describe.skip('a', f);", "test.skip.each([1])('a', f);", "xit('a', f);", "it.concurrent.only('a', f);"],
    spares: ["it('skip', f);", 'cursor.skip(2);', "it.each([1])('a', f);"],
  },
  {
    name: 'todo',
    sentence: 'No TODO without the number of its issue, as in `TODO #12`.',
    appliesTo: everywhere,
    inLine: /\b(TODO|FIXME|XXX)\b(?!.*#\d)/,
    bites: ['// TODO later', '/** FIXME: one day */'],
    spares: ['// TODO #12 later', "f('TODO');", '// todos'],
  },
  {
    name: 'comment-width',
    sentence: 'No line of a comment in src, the client or the examples is wider than 120 columns: a shorter sentence says it better.',
    appliesTo: /^(src|client|examples)\//,
    inLine: /^(?=.{121})\s*(\/\/|\/?\*)/,
    bites: [`// ${'a'.repeat(118)}`, `/** ${'a'.repeat(114)} */`],
    spares: [`// ${'a'.repeat(117)}`, `const a = '${'a'.repeat(118)}';`, `f(); // ${'a'.repeat(118)}`],
  },
  {
    name: 'queries',
    sentence: 'No query that the tenant filter does not confine, and no em.transactional, outside src/platform.',
    appliesTo: /^src\/(?!platform\/)/,
    inSyntax: (node) => forbiddenCalls.has(nameOfCalledMember(node) ?? ''),
    bites: [
      'em.createQueryBuilder(A);',
      'em.getConnection().execute(q);',
      'em?.getReference(A, 1);',
      'repository.upsert(a);',
      'em.transactional(f);',
    ],
    spares: ['scope.transaction(f);', 'execute({ schema });', '// em.execute(q)', 'find(A, {}, { filters: true });'],
  },
  {
    name: 'locks-of-one-node',
    sentence: 'No GET_LOCK, LOCK TABLES or XA: on a cluster they are of one node, and nobody elsewhere sees them.',
    appliesTo: /^(src|migrations)\//,
    inSyntax: (node) => LOCKS_OF_ONE_NODE.test(String(node['cooked'] ?? nameOf(node) ?? '')),
    bites: ["query('select get_lock(?, 1)');", 'run(`lock tables a write`);', "run('XA start ?');", "run('do RELEASE_LOCK(?)');"],
    spares: ["query('select 1 from a for update');", '// get_lock', "say('lock: the tables');", "run('--skip-lock-tables');"],
  },
  {
    name: 'parameters',
    sentence: 'No `as Parameters<…>`: a column that a new row lacks is the compiler’s to find.',
    appliesTo: everywhere,
    inLine: /\bas Parameters</,
    bites: ["rows.add({ id } as Parameters<Rows['add']>[0]);"],
    spares: ["let row: Parameters<Rows['add']>[0];", "f('as Parameters<A>');"],
  },
  {
    name: 'filters',
    sentence: 'No `filters: false` outside src/platform.',
    appliesTo: /^src\/(?!platform\/)/,
    inSyntax: turnsFiltersOff,
    bites: ['em.find(A, {}, { filters: false });'],
    spares: ['em.find(A, {}, { filters: { tenant: true } });'],
  },
  {
    name: 'rounding',
    sentence: 'No Math.round outside src/billing/money.ts (the sandbox plays another company and has its own).',
    appliesTo: /^src\/(?!sandbox\/|billing\/money\.ts$)/,
    inSyntax: (node) => isMember(node, 'Math', 'round'),
    bites: ['const cents = Math.round(amount * 100);', 'amounts.map(Math.round);'],
    spares: ['Math.floor(a);', '// Math.round'],
  },
  {
    name: 'environment',
    sentence: 'No process.env outside src/config.ts, src/gateway.ts, which hands it over, and src/cli.',
    appliesTo: /^src\/(?!config\.ts$|gateway\.ts$|cli\/)/,
    inSyntax: (node) =>
      isMember(node, 'process', 'env') ||
      (node.type === 'ImportDeclaration' && /^(node:)?process$/.test(nameOf(child(node, 'source')) ?? '')),
    bites: ['const port = process.env.PORT;', 'const { env } = process.env;', "import { env } from 'node:process';", "process['env'];"],
    spares: ['process.exitCode = 1;', 'config.env;', '// process.env'],
  },
];

const machinePaths = /(?<![\w.~@-])(\/(home|Users|root|work|tmp)\/\w|[A-Z]:\\)/;

/** Lines that a file, and a function, of what is delivered may have before it is looked at again. */
const limits = { file: 250, function: 50 };

/**
 * What is longer all the same, as `path` or `path name`, with the lines it may have. This list only shrinks: lower the number when
 * the code gets shorter; an entry that is no longer needed fails. Before adding one, look for the second thing the code does.
 */
const longerAllTheSame: Record<string, number> = {
  // The wire of Tilled as data: types and lists of values, no code.
  'src/tilled/tilled.shapes.ts': 730,
};

/** Exceptions to the rules, as `name path`, each with its reason. One that is no longer needed fails. */
const exceptions: Record<string, string> = {};

describe('our source', () => {
  const sources = readSources();
  const found = sources.flatMap(({ path, text }) => {
    const applying = rules.filter((rule) => rule.appliesTo.test(path));
    return findViolations(text, applying, path).map(({ rule, line }) => ({ rule: rule.name, path, place: `${path}:${line}` }));
  });

  it.each(rules)('$name: $sentence', ({ name }) => {
    const violations = found.filter(({ rule, path }) => rule === name && !(`${name} ${path}` in exceptions));
    expect(violations.map(({ place }) => place)).toEqual([]);
  });

  it('needs every exception it claims', () => {
    const needed = new Set(found.map(({ rule, path }) => `${rule} ${path}`));
    expect(Object.keys(exceptions).filter((exception) => !needed.has(exception))).toEqual([]);
  });

  it('names no path of one machine', () => {
    const places = [...sources, ...readScripts()].flatMap(({ path, text }) =>
      findLines(text, machinePaths).map((line) => `${path}:${line}`),
    );
    expect(places).toEqual([]);
  });

  const long = sources.filter(({ path }) => /^(src|client|examples)\//.test(path)).flatMap(({ path, text }) => findLong(path, text));

  it(`has files of at most ${limits.file} and functions of at most ${limits.function} lines, but for those listed`, () => {
    expect(long.filter(([what, lines]) => lines > (longerAllTheSame[what] ?? 0))).toEqual([]);
  });

  it('lists as long only what is', () => {
    const needed = new Set(long.map(([what]) => what));
    expect(Object.keys(longerAllTheSame).filter((what) => !needed.has(what))).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const bites = rules.flatMap((rule) => rule.bites.map((code) => ({ code, rule, sentence: rule.sentence })));
  const spares = rules.flatMap((rule) => rule.spares.map((code) => ({ code, rule, sentence: rule.sentence })));

  it.each(bites)('find `$code`: $sentence', ({ code, rule }) => {
    expect(findViolations(`\n${code}\n`, [rule]).map(({ line }) => line)).toContain(2);
  });

  it.each(spares)('let `$code` pass: $sentence', ({ code, rule }) => {
    expect(findViolations(code, [rule])).toEqual([]);
  });

  it.each([
    ['src/billing/a.service.ts', ['focus']],
    ['src/billing/money.ts', ['focus', 'rounding']],
    ['src/platform/db/a.ts', ['focus', 'queries', 'filters']],
    ['src/config.ts', ['focus', 'environment']],
    ['src/cli/billing.ts', ['focus', 'environment']],
    ['src/sandbox/a.ts', ['focus', 'rounding']],
    ['migrations/0001-a.ts', ['focus', 'comment-width', 'queries', 'filters', 'rounding', 'environment']],
    ['test/unit/a.test.ts', ['comment-width', 'queries', 'locks-of-one-node', 'filters', 'rounding', 'environment']],
  ])('apply to %s but for %j', (path, spared) => {
    expect(rules.filter((rule) => !rule.appliesTo.test(path)).map(({ name }) => name)).toEqual(spared);
  });

  it('tell paths of one machine from routes and addresses', () => {
    const onMachine = [
      ['', 'home', 'me'],
      ['', 'work', 'main'],
      ['file://', 'Users', 'me'],
    ].map((parts) => parts.join('/'));
    expect(onMachine.flatMap((path) => findLines(`open(${path})`, machinePaths))).toEqual([1, 1, 1]);
    expect(['../work/a', 'https://a.example/home/b', '/v1/payments', '/graphql'].flatMap((path) => findLines(path, machinePaths))).toEqual(
      [],
    );
  });

  it('measure long files and functions, with their names, and pass what is just at the limit', () => {
    const body = (lines: number) => '\n'.repeat(lines - 1);
    expect(findLong('a.ts', `class A {\n  b() {${body(51)}}\n c = () => {${body(50)}};\n}\nfunction d() {${body(52)}}\n`)).toEqual([
      ['a.ts b', 51],
      ['a.ts d', 52],
    ]);
    expect(findLong('a.ts', '\n'.repeat(250))).toEqual([]);
    expect(findLong('a.ts', '\n'.repeat(251))).toEqual([['a.ts', 251]]);
  });
});

function findViolations(text: string, applying: Rule[], path = ''): { rule: Rule; line: number }[] {
  const { nodes, textWithoutStrings } = parse(text, path);
  return applying.flatMap((rule) => {
    const inSyntax = nodes.filter(({ node }) => rule.inSyntax?.(node)).map(({ firstLine }) => firstLine);
    const inLines = rule.inLine ? findLines(textWithoutStrings, rule.inLine) : [];
    return [...inSyntax, ...inLines].map((line) => ({ rule, line }));
  });
}

function findLines(text: string, wanted: RegExp): number[] {
  return text.split('\n').flatMap((line, index) => (wanted.test(line) ? [index + 1] : []));
}

/** The file, if it is too long, and its functions that are, each with its lines; what is above the body does not count. */
function findLong(path: string, text: string): [string, number][] {
  const fileLines = text.split('\n').length - 1;
  const long: [string, number][] = fileLines > limits.file ? [[path, fileLines]] : [];
  let name = '';
  for (const { node, firstLine, lastLine } of parse(text, path).nodes) {
    name = nameOf(child(node, 'key') ?? child(node, 'identifier') ?? child(node, 'id')) ?? name;
    const lines = lastLine - firstLine + 1;
    const isFunction = node.type === 'FunctionBody' || node.type === 'ArrowFunctionExpression';
    if (isFunction && lines > limits.function) long.push([`${path} ${name}`, lines]);
  }
  return long;
}

/** `b` of `a.b(…)` and `a?.b(…)`; undefined if the node is anything else. */
function nameOfCalledMember(node: SyntaxNode): string | undefined {
  const called = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  const member = called?.type === 'OptionalChainingExpression' ? child(called, 'base') : called;
  return member?.type === 'MemberExpression' ? nameOf(child(member, 'property')) : undefined;
}

function turnsFiltersOff(node: SyntaxNode): boolean {
  return node.type === 'KeyValueProperty' && nameOf(child(node, 'key')) === 'filters' && child(node, 'value')?.['value'] === false;
}

function isMember(node: SyntaxNode, object: string, property: string): boolean {
  if (node.type !== 'MemberExpression' || nameOf(child(node, 'object')) !== object) return false;
  const named = child(node, 'property');
  return nameOf(named?.type === 'Computed' ? child(named, 'expression') : named) === property;
}

/** Is it `it.only`, `describe.skip.each`, `xit` …? */
function isFocusedOrSkipped(node: SyntaxNode): boolean {
  if (node.type === 'CallExpression') return focusedOrSkipped.has(nameOf(child(node, 'callee')) ?? '');
  if (node.type !== 'MemberExpression' || !/^(only|skip)$/.test(nameOf(child(node, 'property')) ?? '')) return false;
  let root = child(node, 'object');
  while (root?.type === 'MemberExpression') root = child(root, 'object');
  return testFunctions.has(nameOf(root) ?? '');
}
