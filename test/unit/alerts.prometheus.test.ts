import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { WATCHDOG } from '../../src/preflight/alert-names.js';
import { EXAMPLE_RECEIVERS } from '../support/alertmanager.js';
import { alertNames, impatient, OPS } from '../support/prometheus.js';

const RULES = path.join(OPS, 'prometheus/alerts.yml');
const CASES = path.join(OPS, 'prometheus/alerts.test.yml');
/** Those of alerts that look at days. */
const SLOW_CASES = path.join(OPS, 'prometheus/alerts.slow.test.yml');
const promtool = (...args: string[]) => promisify(execFile)('promtool', args);

describe('the alert rules', () => {
  it('are rules that Prometheus takes', async () => {
    await expect(promtool('check', 'rules', RULES)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
  });

  it('fire and keep quiet as their cases say', async () => {
    await expect(promtool('test', 'rules', CASES, SLOW_CASES)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
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
    const cases = (await readFile(CASES, 'utf8')) + (await readFile(SLOW_CASES, 'utf8'));
    const names = alertNames(await readFile(RULES, 'utf8'));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      expect(cases).toContain(`name: ${name} fires`);
      // One fires always.
      if (name !== WATCHDOG) expect(cases).toContain(`name: ${name} keeps quiet`);
    }
  });

  it('each say how bad it is, what it is, and where the runbook lies, named like the alert', async () => {
    const blocks = (await readFile(RULES, 'utf8')).split(/^\s*- alert: /m).slice(1);
    for (const block of blocks) {
      const name = block.split('\n')[0] ?? '';
      const kebab = name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase();
      expect(block).toMatch(name === WATCHDOG ? /severity: none\n/ : /severity: (critical|warning)\n/);
      expect(block).toMatch(/summary: ".+\."\n/);
      expect(block).toContain(`runbook_url: "{{ $externalLabels.runbooks }}/${kebab}.md"\n`);
    }
  });

  it('are rehearsed with no waiting, and no other change', async () => {
    const rules = await readFile(RULES, 'utf8');
    expect(impatient(rules)).not.toMatch(/\bfor:/);
    expect(impatient(rules).split('\n')).toEqual(rules.split('\n').filter((line) => !/^\s*for: /.test(line)));
  });
});

describe('the configuration of Prometheus', () => {
  it('gives the links to runbooks their beginning in one place, and tells Alertmanager', async () => {
    const { global, alerting } = parse(await readFile(path.join(OPS, 'prometheus/prometheus.yml'), 'utf8'));
    expect(global.external_labels).toEqual({ runbooks: expect.stringMatching(/^https:\/\/.+\/ops\/runbooks$/) });
    expect(alerting.alertmanagers).toEqual([{ static_configs: [{ targets: ['alertmanager:9093'] }] }]);
  });
});

describe('the routes of Alertmanager', () => {
  const CONFIGURATION = path.join(OPS, 'alertmanager/alertmanager.yml');
  const amtool = (...args: string[]) => promisify(execFile)('amtool', args);
  const receiverOf = async (...labels: string[]) =>
    (await amtool('config', 'routes', 'test', `--config.file=${CONFIGURATION}`, ...labels)).stdout.trim();

  it('are routes that it takes', async () => {
    await expect(amtool('check-config', CONFIGURATION)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
  });

  it('wake somebody for what is critical, leave the rest for the morning, and feed the watchdog', async () => {
    expect(await receiverOf('alertname=RefundFailures', 'severity=critical')).toBe('on-call');
    expect(await receiverOf('alertname=BillingUnitFailed', 'severity=critical', 'unit=billing-drill.service')).toBe('on-call');
    expect(await receiverOf('alertname=DrillTooOld', 'severity=warning')).toBe('working-hours');
    expect(await receiverOf('alertname=Watchdog', 'severity=none')).toBe('watchdog');
  });

  it('name alerts that there are, and receivers by the addresses that operators replace', async () => {
    const { inhibit_rules, receivers } = parse(await readFile(CONFIGURATION, 'utf8')) as {
      inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
      receivers: { webhook_configs: { url: string }[] }[];
    };
    const matchers = inhibit_rules.flatMap((rule) => [...rule.source_matchers, ...rule.target_matchers]);
    const named = matchers.flatMap((matcher) =>
      matcher
        .replace(/^alertname =~? /, '')
        .replaceAll('"', '')
        .split('|'),
    );
    expect(named.length).toBeGreaterThan(10);
    const known = alertNames(await readFile(RULES, 'utf8'));
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    for (const {
      webhook_configs: [{ url } = { url: '' }],
    } of receivers)
      expect(url).toContain(EXAMPLE_RECEIVERS);
  });
});
