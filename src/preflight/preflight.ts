import { withDeadline } from '../platform/deadline.js';
import { redactedText } from '../platform/log.js';
import type { Attestation } from './attestation.entity.js';
import type { Check, CheckResult, Finding } from './check.js';
import { CHECKS } from './checks.js';
import type { PreflightParts } from './parts.js';

/** Longer than any probe: a check that hangs is a check that failed. */
const CHECK_MS_MAX = 30_000;

/** Runs all checks, or those of a phase, one by one. Never throws: a check that cannot be run has failed. */
export async function runPreflight(parts: PreflightParts, phase: number | null): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of CHECKS.filter((one) => phase === null || one.phase === phase)) results.push(await resultOf(check, parts));
  return results;
}

async function resultOf(check: Check, parts: PreflightParts): Promise<CheckResult> {
  const { id, phase, todo } = check;
  const found: Finding =
    check.look === undefined
      ? { status: 'failed', evidence: 'Nobody has attested it.' }
      : await withDeadline(CHECK_MS_MAX, check.look(parts)).catch((error: unknown) => ({ status: 'failed', evidence: sentenceOf(error) }));
  if (found.status !== 'failed') return { id, phase, status: found.status, evidence: found.evidence, todo: null };
  const word = check.isAttestable ? parts.attested.get(id) : undefined;
  if (word === undefined) return { id, phase, status: 'failed', evidence: found.evidence, todo };
  const isOver = word.expiresAt !== null && word.expiresAt <= parts.now();
  if (isOver) return { id, phase, status: 'failed', evidence: `${told(word)}; that is over.`, todo };
  return { id, phase, status: 'attested', evidence: told(word), todo: null };
}

function told({ attestedBy, attestedAt, note, expiresAt }: Attestation): string {
  const until = expiresAt === null ? '' : `, until ${expiresAt.toISOString().slice(0, 10)}`;
  return `Attested by ${attestedBy} on ${attestedAt.toISOString().slice(0, 10)}${until}${note === null ? '' : `: ${note}`}`;
}

/** The first line, without what might be a secret. */
function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return redactedText(message.split('\n')[0] ?? '').slice(0, 300);
}
