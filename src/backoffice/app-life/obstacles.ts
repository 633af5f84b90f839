import { places } from '../../platform/db/sql.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { INTENT_KINDS } from '../open-intents/intent-kinds.js';

/** What of an app is not over yet. */
interface Obstacles {
  /** How many requests are still worked on. */
  readonly underWay: number;
  readonly sentences: readonly string[];
}

/** What is counted, in words, and in which of an app's rows. Money, and what may still move some. */
const COUNTED: readonly { readonly words: string; readonly from: string; readonly parameters?: readonly string[] }[] = [
  {
    words: 'requests are still worked on (openIntents)',
    from: `billing_jobs where app_id = ? and kind in (${places(INTENT_KINDS)})`,
    parameters: INTENT_KINDS,
  },
  { words: 'subscriptions live (subscriptionCancel)', from: "billing_subscriptions where app_id = ? and status <> 'CANCELED'" },
  {
    words: 'payments are not over (PENDING, REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE or UNKNOWN)',
    from: "billing_payments where app_id = ? and status in ('PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_CAPTURE', 'UNKNOWN')",
  },
  {
    words: 'refunds are not over (PENDING, REQUIRES_ACTION or UNKNOWN)',
    from: "billing_refunds where app_id = ? and status in ('PENDING', 'REQUIRES_ACTION', 'UNKNOWN')",
  },
  {
    words: 'disputes are open',
    from: `billing_disputes where app_id = ?
      and status in ('WARNING_NEEDS_RESPONSE', 'WARNING_UNDER_REVIEW', 'NEEDS_RESPONSE', 'UNDER_REVIEW')`,
  },
  { words: 'differences from Tilled are open (billing reconcile)', from: "billing_divergences where app_id = ? and status = 'OPEN'" },
  {
    words: 'webhook events are not handled (billing webhooks replay --dead)',
    from: "billing_webhooks where app_id = ? and status in ('RECEIVED', 'FAILED', 'DEAD')",
  },
];

/** Counts what is not over. */
export async function obstaclesOf(scope: Scope): Promise<Obstacles> {
  const counts: number[] = [];
  for (const { from, parameters = [] } of COUNTED) {
    const [row] = await scope.db.query(`select count(*) as n from ${from}`, [scope.appId, ...parameters]);
    counts.push(Number(row?.['n'] ?? 0));
  }
  const sentences = COUNTED.flatMap(({ words }, index) => ((counts[index] ?? 0) > 0 ? [`${counts[index]} ${words}`] : []));
  return { underWay: counts[0] ?? 0, sentences };
}
