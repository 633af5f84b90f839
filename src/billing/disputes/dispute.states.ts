/** States of a dispute, as Tilled names them. */
export enum DisputeStatus {
  WARNING_NEEDS_RESPONSE = 'WARNING_NEEDS_RESPONSE',
  WARNING_UNDER_REVIEW = 'WARNING_UNDER_REVIEW',
  WARNING_CLOSED = 'WARNING_CLOSED',
  NEEDS_RESPONSE = 'NEEDS_RESPONSE',
  UNDER_REVIEW = 'UNDER_REVIEW',
  CLOSED = 'CLOSED',
  WON = 'WON',
  LOST = 'LOST',
}

const { WARNING_UNDER_REVIEW, WARNING_CLOSED, NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, WON, LOST } = DisputeStatus;

/** States in which the bank has the payment back, or may keep it: not those of inquiries, nor when we won. */
export const DISPUTING_STATUSES: readonly DisputeStatus[] = [NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, LOST];

/** States in which the bank waits for evidence. */
export const ANSWERABLE_STATUSES: readonly DisputeStatus[] = [DisputeStatus.WARNING_NEEDS_RESPONSE, NEEDS_RESPONSE];

/**
 * Which states may follow which. Staying is always allowed. An inquiry (WARNING_…) may become a dispute at any time,
 * also after it was closed, but a dispute never becomes an inquiry again. What was decided may be appealed; what is
 * closed is over. We may miss states, so what several steps lead to is one step too (NEEDS_RESPONSE → WON).
 */
export const DISPUTE_STATES: { readonly noun: 'dispute'; readonly edges: Readonly<Record<DisputeStatus, readonly DisputeStatus[]>> } = {
  noun: 'dispute',
  edges: {
    WARNING_NEEDS_RESPONSE: [WARNING_UNDER_REVIEW, WARNING_CLOSED, NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, WON, LOST],
    WARNING_UNDER_REVIEW: [WARNING_CLOSED, NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, WON, LOST],
    WARNING_CLOSED: [NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, WON, LOST],
    NEEDS_RESPONSE: [UNDER_REVIEW, CLOSED, WON, LOST],
    UNDER_REVIEW: [NEEDS_RESPONSE, CLOSED, WON, LOST],
    WON: [NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, LOST],
    LOST: [NEEDS_RESPONSE, UNDER_REVIEW, CLOSED, WON],
    CLOSED: [],
  },
};
