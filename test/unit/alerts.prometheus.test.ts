import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { alertNames, impatient, OPS } from '../support/prometheus.js';

const RULES = path.join(OPS, 'prometheus/alerts.yml');
const CASES = path.join(OPS, 'prometheus/alerts.test.yml');
const promtool = (...args: string[]) => promisify(execFile)('promtool', args);

describe('the alert rules', () => {
  it('are rules that Prometheus takes', async () => {
    await expect(promtool('check', 'rules', RULES)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
  });

  it('fire and keep quiet as their cases say', async () => {
    await expect(promtool('test', 'rules', CASES)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
  });

  it('are cases that bite: a threshold that is moved fails them', async () => {
    const rules = await readFile(RULES, 'utf8');
    const moved = rules.replace('outcome="unverified"}[5m])) > 5', 'outcome="unverified"}[5m])) > 50');
    expect(moved).not.toBe(rules);
    const directory = await mkdtemp(path.join(tmpdir(), 'billing-rules-'));
    await writeFile(path.join(directory, 'alerts.yml'), moved);
    await writeFile(path.join(directory, 'alerts.test.yml'), await readFile(CASES, 'utf8'));
    await expect(promtool('test', 'rules', path.join(directory, 'alerts.test.yml'))).rejects.toThrow(/WebhookSignatureFailures/);
    await rm(directory, { recursive: true });
  });

  it('each have a case that fires them and one that does not', async () => {
    const cases = await readFile(CASES, 'utf8');
    const names = alertNames(await readFile(RULES, 'utf8'));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      expect(cases).toContain(`name: ${name} fires`);
      expect(cases).toContain(`name: ${name} keeps quiet`);
    }
  });

  it('each say how bad it is, what it is, and where the runbook lies, named like the alert', async () => {
    const blocks = (await readFile(RULES, 'utf8')).split(/^\s*- alert: /m).slice(1);
    for (const block of blocks) {
      const name = block.split('\n')[0] ?? '';
      const kebab = name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase();
      expect(block).toMatch(/severity: (critical|warning)\n/);
      expect(block).toMatch(/summary: ".+\."\n/);
      expect(block).toContain(`runbook_url: ops/runbooks/${kebab}.md\n`);
    }
  });

  it('are rehearsed with no waiting, and no other change', async () => {
    const rules = await readFile(RULES, 'utf8');
    expect(impatient(rules)).not.toMatch(/\bfor:/);
    expect(impatient(rules).split('\n')).toEqual(rules.split('\n').filter((line) => !/^\s*for: /.test(line)));
  });
});
