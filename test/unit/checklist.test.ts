import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ALERTS } from '../../src/preflight/alert-names.js';
import { BEYOND, CHECKLIST, SUCCESS } from '../../src/preflight/checklist.js';
import { checklistMarkdown } from '../../src/preflight/checklist.markdown.js';
import { CHECKS } from '../../src/preflight/checks.js';
import { alertNames, OPS } from '../support/prometheus.js';

const PROJECT = path.resolve(OPS, '..');
const ids = CHECKS.map(({ id }) => id);
const isFile = (proof: string) => proof.includes('/') || proof.endsWith('.md');

/** Checkboxes of the launch checklist, by phase: counted by hand in the original. */
const BOXES = [7, 5, 5, 4, 3, 3, 6, 7, 4, 5];

describe('the launch checklist', () => {
  it('has every checkbox of every phase', () => {
    expect(BOXES.map((_, index) => CHECKLIST.filter(({ phase }) => phase === index + 1).length)).toEqual(BOXES);
    expect(new Set(CHECKLIST.map(({ text }) => text)).size).toBe(CHECKLIST.length);
  });

  it('maps each to checks that exist, or files that do', () => {
    for (const { text, fulfilledBy } of [...CHECKLIST, ...SUCCESS]) {
      expect([text, fulfilledBy.length]).not.toEqual([text, 0]);
      const unknown = fulfilledBy.filter((proof) =>
        isFile(proof) ? readFileSync(path.join(PROJECT, proof)).length === 0 : !ids.includes(proof),
      );
      expect([text, unknown]).toEqual([text, []]);
    }
  });

  it('needs every check there is, or says why there are more', () => {
    const named = new Set([...CHECKLIST.flatMap(({ fulfilledBy }) => fulfilledBy), ...Object.keys(BEYOND)]);
    expect(ids.filter((id) => !named.has(id))).toEqual([]);
  });

  it('is docs/checklist.md, word for word', () => {
    expect(readFileSync(path.join(PROJECT, 'docs/checklist.md'), 'utf8')).toBe(checklistMarkdown());
  });
});

describe('the checks', () => {
  it('have ids of their own, and say what to do', () => {
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, todo } of CHECKS)
      expect([id, todo]).toEqual([expect.stringMatching(/^[a-z]+\.[a-z-]+$/), expect.stringMatching(/^.{20,}\.$/)]);
  });

  it('can be fulfilled: looked at, or attested', () => {
    expect(CHECKS.filter(({ look, isAttestable }) => look === undefined && !isAttestable)).toEqual([]);
  });

  it('expect every alert of the rules, and no other', () => {
    expect([...ALERTS].toSorted()).toEqual(alertNames(readFileSync(path.join(OPS, 'prometheus/alerts.yml'), 'utf8')).toSorted());
  });
});

describe('the runbooks', () => {
  const names = readdirSync(path.join(OPS, 'runbooks')).map((file) => file.replace(/\.md$/, ''));

  it('are there for every alert, under the name its rule gives', () => {
    const rules = readFileSync(path.join(OPS, 'prometheus/alerts.yml'), 'utf8');
    const urls = [...rules.matchAll(/runbook_url: "\{\{ \$externalLabels\.runbooks \}\}\/(\S+)\.md"/g)].map(([, name = '']) => name);
    expect(urls.length).toBe(ALERTS.length);
    expect(urls.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('link only to what is there, and each is in the table of contents', () => {
    const contents = readFileSync(path.join(OPS, 'runbooks/README.md'), 'utf8');
    for (const name of names) {
      const text = readFileSync(path.join(OPS, `runbooks/${name}.md`), 'utf8');
      const linked = [...text.matchAll(/\]\(([\w-]+)\.md\)/g)].map(([, to = '']) => to);
      expect([name, linked.filter((to) => !names.includes(to))]).toEqual([name, []]);
      if (name !== 'README') expect([name, contents.includes(`(${name}.md)`)]).toEqual([name, true]);
    }
  });
});
