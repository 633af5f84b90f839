import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';

/** What came out of a trial: a mark for each step. */
export interface TrialResult {
  readonly name: string;
  readonly version: string;
  readonly how: string;
  readonly steps: Readonly<Record<string, string>>;
}

const PROJECT = path.join(import.meta.dirname, '../..');
const GUIDE = path.join(PROJECT, 'docs/frontend.md');

/** The version of a package that is installed. */
export function versionOf(name: string): string {
  const manifest = JSON.parse(readFileSync(path.join(PROJECT, 'node_modules', name, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Compares the table below a heading of docs/frontend.md with what came out; with UPDATE_CLIENTS=1 it writes the table. */
export function compareTable(heading: string, results: readonly TrialResult[]): void {
  const guide = readFileSync(GUIDE, 'utf8');
  const begin = guide.indexOf('\n| ', guide.indexOf(`\n### In ${heading}\n`)) + 1;
  const end = guide.indexOf('\n\n', begin) + 1;
  const table = tableOf(results);
  if (process.env['UPDATE_CLIENTS'] === '1') writeFileSync(GUIDE, guide.slice(0, begin) + table + guide.slice(end));
  else expect(guide.slice(begin, end)).toBe(table);
}

function tableOf(results: readonly TrialResult[]): string {
  const steps = Object.keys(results[0]?.steps ?? {});
  const rows = results.map(({ name, version, how, steps: marks }) => [
    `\`${name}\``,
    version,
    how,
    ...steps.map((step) => marks[step] ?? ''),
  ]);
  const lines = [['client', 'version', 'how', ...steps], ['---', '---', '---', ...steps.map(() => '---')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
