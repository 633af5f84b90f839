import { Fields } from './fields.js';

/**
 * What Tilled's documents leave open, each with what it may do; the first is what the sandbox does unless a test says
 * otherwise. docs/sandbox.md says why.
 */
export const BEHAVIOURS = {
  /** A refund of a payment whose dispute is open or lost. */
  refundDisputed: ['allow', 'refuse'],
  /** A dispute of a charge that has an open one, or of which all was given back. */
  disputeAgain: ['allow', 'refuse'],
  /** Evidence for a dispute that is under review. */
  evidence: ['once', 'again'],
  /** Detaching a method that a live subscription uses. */
  detachInUse: ['allow', 'refuse'],
  /** Attaching a method that was detached. */
  attachDetached: ['refuse', 'allow'],
  /** A subscription whose anchor is more than a day ago. */
  oldAnchor: ['refuse', 'allow'],
  /** What is left of an authorization after a capture in part: nothing to see, or a refund object. */
  partialCapture: ['silent', 'refund'],
  /** The status of a refusal because of an object's state. */
  stateError: ['400', '403', '409', '422'],
} as const;

/** One of each. */
export type Behaviour = { -readonly [Name in keyof typeof BEHAVIOURS]: (typeof BEHAVIOURS)[Name][number] };

/** What the sandbox does unless told otherwise. */
export function usualBehaviour(): Behaviour {
  return Object.fromEntries(Object.entries(BEHAVIOURS).map(([name, [usual]]) => [name, usual])) as Behaviour;
}

/** What a test wants to be different. Throws a 400 for a word that is none. */
export function behaviourInput(body: unknown): Partial<Behaviour> {
  const fields = new Fields(body);
  const wanted = Object.entries(BEHAVIOURS).flatMap(([name, words]) => {
    const word = fields.oneOf(name, words as readonly string[]);
    return word === undefined || word === null ? [] : [[name, word]];
  });
  fields.assertValid();
  return Object.fromEntries(wanted) as Partial<Behaviour>;
}
