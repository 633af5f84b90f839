import type { PreflightParts } from './parts.js';

/** The ten phases of the launch checklist. */
export type Phase = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** What a look found. `not_applicable` says why in its evidence. */
export interface Finding {
  readonly status: 'ok' | 'failed' | 'not_applicable';
  /** One line: what was seen. Never a secret. */
  readonly evidence: string;
}

/** One thing that must be true before going live. */
export interface Check {
  /** Stable: attestations and reports name it. */
  readonly id: string;
  readonly phase: Phase;
  /** What to do when it is not fulfilled; a command wherever there is one. */
  readonly todo: string;
  /** Whether a person's word will do where the program finds it unfulfilled, or cannot look. */
  readonly isAttestable: boolean;
  /** Looks; absent where only people can know. What it throws is a failure with that message. */
  readonly look?: (parts: PreflightParts) => Promise<Finding>;
}

/** A check as the report shows it. */
export interface CheckResult {
  readonly id: string;
  readonly phase: Phase;
  readonly status: 'ok' | 'failed' | 'attested' | 'not_applicable';
  readonly evidence: string;
  /** Null where nothing is to be done. */
  readonly todo: string | null;
}

export function ok(evidence: string): Finding {
  return { status: 'ok', evidence };
}

export function failed(evidence: string): Finding {
  return { status: 'failed', evidence };
}

export function notApplicable(reason: string): Finding {
  return { status: 'not_applicable', evidence: reason };
}

/** ok with `good` if it holds, else failed with `bad`. */
export function verdict(holds: boolean, good: string, bad: string): Finding {
  return holds ? ok(good) : failed(bad);
}

/** A check that only people can answer. */
export function attestedOnly(phase: Phase, id: string, todo: string): Check {
  return { id, phase, todo, isAttestable: true };
}
