/**
 * Faults to plant into `src`, one at a time, and the tests that must see each: all of its checks.
 *
 * @typedef {{ file: string, name?: string, project?: 'embedded' | 'mysql' | 'pure', modelRuns?: number }} Check `file`: a file of tests; `name`: only
 *   tests whose names match it; `modelRuns`: how many runs of the model, from a fixed seed, must suffice
 * @typedef {{ name: string, file: string, from: string, to: string, checks: Check[] }} Mutant `from`: a text that is once in `file`
 */

/** @type {(file: string, name: string) => Check} */
const only = (file, name) => ({ file: `test/${file}.test.ts`, name });
const underWay = (name) => only('scenarios/under-way', name);
const ofConfirm = underWay('a confirm is sent once although its key is repeated');
/** @type {Check} */
const MODEL = { file: 'test/scenarios/money-model.test.ts', modelRuns: 12 };

/** @type {Mutant[]} */
export const MUTANTS = [
  {
    name: 'quiet time skipped',
    file: 'src/platform/idempotency/intents.ts',
    from: 'return quietForMs === null ? null : quietMs - quietForMs;',
    to: 'return quietForMs === null ? null : 0;',
    checks: [underWay('a refund is sent once although its key is repeated')],
  },
  {
    name: 'steps of the clock of the database not looked at',
    file: 'src/platform/idempotency/intents.ts',
    from: 'return Math.max(0, quietMs - (await clocks.steadyForMs()));',
    to: 'return 0;',
    checks: [underWay('a refund is sent once although the clock of the database is set ahead')],
  },
  {
    name: 'lease not looked at before sending',
    file: 'src/platform/jobs/lease.ts',
    from: 'const may = this.holds();',
    to: 'const may = true;',
    checks: [underWay('does not take the payment any more if it was not renewed')],
  },
  {
    name: 'leases never renewed',
    file: 'src/platform/jobs/lease-keeper.ts',
    from: 'else if (lease.renewedAgoMs() >= EVERY_MS &&',
    to: 'else if (lease.renewedAgoMs() < 0 &&',
    checks: [underWay('keeps its work for as long as it lives')],
  },
  {
    name: 'taking work over is no doubt',
    file: 'src/platform/jobs/job.sql.ts',
    from: "const isTakenOver = job.state === 'running';",
    to: 'const isTakenOver = false;',
    checks: [underWay('a refund is sent once although its process dies')],
  },
  {
    name: 'unanswered sends forgotten',
    file: 'src/platform/jobs/lease.ts',
    from: 'get isInDoubt(): boolean {\n    return this.isUnderWay;',
    to: 'get isInDoubt(): boolean {\n    return false;',
    checks: [ofConfirm, MODEL],
  },
  {
    name: 'confirm leaves no doubt',
    file: 'src/billing/payments/payment.sender.ts',
    from: '.send(scope, execution.lease, (tilled) => tilled.confirmPaymentIntent(',
    to: '.send(scope, execution.lease.forHarmless, (tilled) => tilled.confirmPaymentIntent(',
    checks: [ofConfirm],
  },
  {
    name: 'confirmed again while the first confirm may be under way',
    file: 'src/billing/payments/payment.attempt.ts',
    from: "unconfirmed: { answered: 'confirm', oneUnderWay: 'wait',",
    to: "unconfirmed: { answered: 'confirm', oneUnderWay: 'confirm',",
    checks: [ofConfirm],
  },
  {
    name: 'decline of a second confirm settled',
    file: 'src/billing/payments/payment.attempt.ts',
    from: "declined: { answered: 'settle', oneUnderWay: 'close', oneOver: 'close',",
    to: "declined: { answered: 'settle', oneUnderWay: 'close', oneOver: 'settle',",
    checks: [only('features/unknown-outcomes', 'if it is a decline and the first is under way for longer')],
  },
  {
    name: 'FAILED after a refused second confirm, without canceling and reading back',
    file: 'src/billing/payments/payment.sender.ts',
    from: "if (seen.confirms === 'answered') return this.fail(scope, execution, error);",
    to: 'if (seen !== null) return this.fail(scope, execution, error);',
    checks: [only('features/unknown-outcomes', 'if it is a conflict and the first is under way for longer')],
  },
  {
    name: 'news left to an attempt that is not told of it',
    file: 'src/billing/payments/payment.mirror.ts',
    from: 'payment.version += 1;',
    to: '',
    checks: [only('features/unknown-outcomes', 'is not what a slow answer says')],
  },
  {
    name: 'no change taken for an outcome',
    file: 'src/billing/payments/payment.sender.ts',
    from: "if (shown === 'unconfirmed' || shown === 'unpaid') {",
    to: 'if (shown === null) {',
    checks: [only('features/unknown-outcomes', 'is no outcome if it says that nothing was done')],
  },
  {
    name: 'capture sent again at once',
    file: 'src/billing/payments/payment.changes.ts',
    from: "resend: 'whenQuiet',",
    to: "resend: 'atOnce',",
    checks: [underWay('a capture is sent once although its key is repeated')],
  },
  {
    name: 'refund sent again at once',
    file: 'src/billing/refunds/refund.service.ts',
    from: '      await execution.assertNothingUnderWay();\n',
    to: '',
    checks: [only('features/unknown-outcomes', 'refundCreate OUTCOME_UNKNOWN is not sent again')],
  },
  {
    name: 'subscription created again at once',
    file: 'src/billing/subscriptions/subscription.sender.ts',
    from: 'if (known === null) await execution.assertNothingUnderWay();',
    to: '',
    checks: [underWay('a subscription is sent once although its key is repeated')],
  },
  {
    name: 'version ignored when an answer is recorded',
    file: 'src/billing/kit/record-answer.ts',
    from: 'const isCurrent = current === seenVersion;',
    to: 'const isCurrent = true;',
    checks: [only('features/payments', 'an answer that comes later than the news of what followed')],
  },
  {
    name: 'nothing happened after a write that succeeded',
    file: 'src/platform/idempotency/mutation.ts',
    from: '!(isFirst && lease.hasDoneNothing)',
    to: '!isFirst',
    checks: [only('features/idempotency', 'is not said once something was made at Tilled')],
  },
  {
    name: 'failure written although the lease is lost',
    file: 'src/billing/payments/payment.recorder.ts',
    from: '      await execution.confirm(tx);\n',
    to: '',
    checks: [underWay('does not call a payment failed that another took meanwhile')],
  },
  {
    name: 'what is refunded already can be refunded again',
    file: 'src/billing/refunds/refund.service.ts',
    from: 'return Math.max(0, payment.capturedMinor - payment.refundReservedMinor);',
    to: 'return payment.capturedMinor;',
    checks: [only('features/refunds', 'refundCreate REFUND_TOO_LARGE')],
  },
  {
    name: 'money does not stand alone in its operation',
    file: 'src/graphql/money.ts',
    from: 'if (mover === undefined || beside === undefined) return null;',
    to: 'if (mover !== null) return null;',
    checks: [{ file: 'test/abuse/admission.test.ts' }],
  },
  {
    name: 'one app takes all slots',
    file: 'src/platform/jobs/turns.ts',
    from: 'const OF_ONE_APP_MAX = 24;',
    to: 'const OF_ONE_APP_MAX = IN_PROGRESS_MAX;',
    checks: [{ ...only('unit/turns', 'are not all for one app'), project: 'pure' }],
  },
  {
    name: 'a second refund at Tilled folded into ours by its mark',
    file: 'src/billing/kit/row-match.ts',
    from: 'return { row, isDuplicate: tilledId !== null && tilledId !== id };',
    to: 'return { row, isDuplicate: false };',
    checks: [only('features/duplicates', 'a second refund at Tilled with the mark of ours is counted')],
  },
  {
    name: 'mark of an ending not set',
    file: 'src/billing/payment-methods/payment-method.service.ts',
    from: '        method.detachingAt = this.parts.clock.now();\n',
    to: '',
    checks: [only('features/endings', 'a paymentMethodDetach under way is seen from its commit on')],
  },
  {
    name: 'order let go while a browser may still pay the payment that failed',
    file: 'src/billing/payments/payment.reference.ts',
    from: "intent.status !== 'canceled' && (await payments.wasEver(payment.id, PaymentStatus.REQUIRES_ACTION))",
    to: 'false',
    checks: [only('features/paying-again', 'keeps its order until that is done')],
  },
  {
    name: 'order not handed to the payment that took money beside its holder',
    file: 'src/billing/payments/payment.reference.ts',
    from: 'if (!OVER_STATUSES.includes(heir.status)) await payments.holdReference(heir);',
    to: 'void heir;',
    checks: [only('features/paying-again', 'has the order to itself if the other one comes to nothing')],
  },
  {
    name: 'missed payment asked for again at once',
    file: 'src/billing/payments/missed-payment.service.ts',
    from: 'await execution.assertNothingUnderWay();',
    to: '',
    checks: [
      only('features/past-due', 'so late that the job looks meanwhile'),
      only('features/past-due', 'only looks while what Tilled accepted is not to be seen'),
    ],
  },
];
