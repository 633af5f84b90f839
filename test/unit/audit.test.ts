import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const DAY_MS = 86_400_000;
const WEAK = { name: 'left-pad', severity: 'critical', range: '<2' };
const MILD = { name: 'right-pad', severity: 'low', range: '<2' };
const FOUND = JSON.stringify({ vulnerabilities: { 'left-pad': WEAK, 'right-pad': MILD } });
const NOTHING = JSON.stringify({ vulnerabilities: {} });
const NO_ANSWER = JSON.stringify({ message: '405 Method Not Allowed', error: {} });

/** A machine whose npm answers an audit so, with a snapshot of some days ago. */
function machine(answer: string, kept?: { days: number; weaknesses?: object[]; without?: number }) {
  const directory = mkdtempSync(path.join(tmpdir(), 'billing-audit-'));
  const npm = path.join(directory, 'npm');
  writeFileSync(npm, `#!/bin/sh\ncat <<'END'\n${answer}\nEND\nexit 1\n`);
  chmodSync(npm, 0o755);
  const snapshot = path.join(directory, 'advisories.json');
  if (kept !== undefined) {
    audit({ ...machine(NOTHING), snapshot }, '--keep');
    const { packages } = JSON.parse(readFileSync(snapshot, 'utf8')) as { packages: string[] };
    const takenAt = new Date(Date.now() - kept.days * DAY_MS).toISOString();
    writeFileSync(snapshot, JSON.stringify({ takenAt, packages: packages.slice(kept.without ?? 0), weaknesses: kept.weaknesses ?? [] }));
  }
  return { directory, snapshot };
}

function audit({ directory, snapshot }: { directory: string; snapshot: string }, ...args: string[]) {
  const env = { PATH: `${directory}:${process.env['PATH']}` };
  const ended = spawnSync(process.execPath, ['ops/audit.mjs', '--snapshot', snapshot, ...args], { encoding: 'utf8', env });
  return { status: ended.status, said: ended.stdout, stderr: ended.stderr };
}

describe('the audit of packages', () => {
  it('fails for a serious weakness that the registry knows, and for no other, in a release too', () => {
    expect(audit(machine(FOUND))).toEqual({ status: 1, said: 'critical: left-pad <2\n', stderr: '' });
    const clean = { status: 0, said: 'No known weakness of severity high or worse.\n', stderr: '' };
    expect([audit(machine(NOTHING)), audit(machine(NOTHING), '--release')]).toEqual([clean, clean]);
  });

  it('says that nothing was looked at where neither registry nor snapshot answers, which fails a release', () => {
    const blind = machine(NO_ANSWER);
    expect(audit(blind)).toMatchObject({ status: 0, said: expect.stringContaining('NOT AUDITED') });
    expect(audit(blind, '--release')).toMatchObject({ status: 1, said: expect.stringContaining('A release needs an audit') });
    expect(audit(machine('no json at all'), '--release').status).toBe(1);
  });

  it('answers from the snapshot, with its date, where the registry does not', () => {
    const takenAt = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10);
    expect(audit(machine(NO_ANSWER, { days: 2 }), '--release')).toMatchObject({
      status: 0,
      said: expect.stringContaining(`As of ${takenAt}`),
    });
    expect(audit(machine(NO_ANSWER, { days: 2, weaknesses: [WEAK] }))).toMatchObject({
      status: 1,
      said: expect.stringContaining('critical: left-pad <2'),
    });
  });

  it('fails a release by a snapshot that is too old, or lacks a package', () => {
    const [old, partial] = [machine(NO_ANSWER, { days: 8 }), machine(NO_ANSWER, { days: 1, without: 2 })];
    expect([audit(old).status, audit(old, '--release').status]).toEqual([0, 1]);
    expect(audit(partial)).toMatchObject({ status: 0, said: expect.stringContaining('NOT AUDITED since they changed: ') });
    expect(audit(partial, '--release').status).toBe(1);
  });

  it('is stored where a registry answers, and only there', () => {
    const [seen, blind] = [machine(FOUND), machine(NO_ANSWER)];
    audit(seen, '--keep');
    audit(blind, '--keep');
    const stored = JSON.parse(readFileSync(seen.snapshot, 'utf8')) as { takenAt: string; packages: string[] };
    expect(stored).toMatchObject({ weaknesses: [WEAK], packages: expect.arrayContaining([expect.stringMatching(/^fastify@\d/)]) });
    expect(Date.now() - Date.parse(stored.takenAt)).toBeLessThan(60_000);
    expect(() => readFileSync(blind.snapshot)).toThrow('ENOENT');
  });
});
