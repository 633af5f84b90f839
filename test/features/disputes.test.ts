import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, refuse } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const SUBMIT = 'POST /v1/disputes/:id';
const DAY_MS = 86_400_000;

let world: World;
let app: TestApp;
let customerId: string;
let disputeId: string;
let tilledDisputeId: string;
let fileId: string;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
beforeEach(async () => {
  ({ id: disputeId, tilledId: tilledDisputeId } = await dispute());
  fileId = await file();
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

describe('disputeEvidenceSubmit', () => {
  it('sends texts and files to Tilled, once however often the key is sent, and shows when', async () => {
    const other = await file();
    const before = sent();
    const input = { disputeId, description: ' It was delivered. ', fileIds: [fileId, other], idempotencyKey: `evidence-${disputeId}` };
    const first = await submit(input);
    const submittedAt = world.sandbox.now().toISOString();
    expect(first).toMatchObject({
      replayed: false,
      userErrors: [],
      dispute: { status: 'UNDER_REVIEW', isEvidenceAccepted: false, evidenceSubmittedAt: submittedAt, concededAt: null },
    });
    expect(await submit(input)).toEqual({ ...first, replayed: true });
    expect(sent() - before).toBe(1);
    const evidence = { description: 'It was delivered.', files: [of(fileId), of(other)] };
    expect(await theirs()).toMatchObject({ status: 'under_review', evidence });
    expect(await submit({ ...input, idempotencyKey: null })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(sent() - before).toBe(1);
  });

  it('says of each file what it shows, as its title tells', async () => {
    const titles = [
      `billing ${app.id} receipt`,
      `billing ${app.id} shipping_documentation parcel 7`,
      `billing ${app.id} selfie`,
      'Receipt',
    ];
    const ids = await Promise.all(titles.map((title) => file({ title })));
    expect(await submit(evidence(ids))).toMatchObject({ userErrors: [] });
    const types = ['receipt', 'shipping_documentation', 'uncategorized', 'uncategorized'];
    expect(await theirs()).toMatchObject({ evidence: { files: types.map((type, n) => ({ file: { id: ids[n] }, type })) } });
  });

  it.each([
    ['without a file', { fileIds: [] }, 'INVALID', ['fileIds']],
    ['without files at all', { fileIds: null }, 'INVALID', ['fileIds']],
    ['with eleven files', { fileIds: Array.from({ length: 11 }, (_, n) => `file_${n}`) }, 'INVALID', ['fileIds']],
    ['with the same file twice', { fileIds: ['file_1', 'file_1'] }, 'INVALID', ['fileIds']],
    ['with a text of blanks', { description: ' \n' }, 'INVALID', ['description']],
    ['with a text that is too long', { description: 'x'.repeat(5_001) }, 'INVALID', ['description']],
    ['with a file that is not there', { fileIds: ['file_none'] }, 'NOT_FOUND', ['fileIds', '0']],
    ['with an id that is a path', { fileIds: ['../disputes'] }, 'NOT_FOUND', ['fileIds', '0']],
    ['of a dispute that is not there', { disputeId: 'dp_none' }, 'NOT_FOUND', ['disputeId']],
    ['with files and accept', { accept: true }, 'INVALID', ['fileIds']],
  ])('%s sends nothing, and the dispute can still be answered', async (_, change, code, field) => {
    const before = sent();
    const answer = await submit({ disputeId, description: 'It was delivered.', fileIds: [fileId], ...change });
    expect(answer).toMatchObject({ userErrors: [{ code, field }] });
    expect(sent()).toBe(before);
    expect(await ours()).toMatchObject({ status: 'NEEDS_RESPONSE', isEvidenceAccepted: true, evidenceSubmittedAt: null });
  });

  it('takes no file of another purpose, of another account or of another app of the account', async () => {
    const other = await world.app();
    const logo = await file({ purpose: 'logo' });
    const foreign = await file({}, other);
    const sibling = await file({ title: 'billing somebody-else selfie' });
    const before = sent();
    expect(await submit(evidence([logo]))).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['fileIds', '0'] }] });
    expect(await submit(evidence([fileId, foreign]))).toMatchObject({ userErrors: [{ code: 'NOT_FOUND', field: ['fileIds', '1'] }] });
    expect(await submit(evidence([sibling]))).toMatchObject({ userErrors: [{ code: 'NOT_FOUND', field: ['fileIds', '0'] }] });
    expect(sent()).toBe(before);
  });

  it('is refused from the deadline on, and for a dispute that waits for no answer', async () => {
    const before = sent();
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 20 * DAY_MS));
    expect((await ours())?.isEvidenceAccepted).toBe(false);
    expect(await submit(evidence([fileId]))).toMatchObject({
      userErrors: [{ code: 'ILLEGAL_TRANSITION', message: expect.stringContaining('deadline') }],
    });
    expect(await submit({ disputeId, description: 'We concede.', accept: true })).toMatchObject({
      userErrors: [{ code: 'ILLEGAL_TRANSITION' }],
    });
    const won = await dispute();
    await world.control('disputes', { disputeId: won.tilledId, status: 'won' });
    await world.settle();
    expect(await submit({ ...evidence([fileId]), disputeId: won.id })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(sent()).toBe(before);
  });

  it.each([
    'before',
    'after',
  ] as const)('whose answer is lost, %s Tilled took it, is UNKNOWN, keeps others away, and is sent once in the end', async (when) => {
    await cut(world, SUBMIT, when);
    const input = { ...evidence([fileId]), idempotencyKey: `lost-${disputeId}` };
    expect(await submit(input)).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    expect(await submit({ ...input, idempotencyKey: `other-${disputeId}` })).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    expect(await submit({ disputeId, description: 'We concede.', accept: true })).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await world.advance({ ms: 400_000 });
    expect(await submit(input)).toMatchObject({ replayed: true, userErrors: [], dispute: { status: 'UNDER_REVIEW' } });
    expect((await theirs())?.status_history.filter(({ status }) => status === 'under_review')).toHaveLength(1);
  });

  it('says what Tilled refused, and takes evidence that somebody else sent for nobody’s own', async () => {
    await refuse(world, SUBMIT, 400, { body: { message: 'Evidence is unreadable' } });
    expect(await submit(evidence([fileId]))).toMatchObject({
      userErrors: [{ code: 'PROCESSOR_REJECTED', message: expect.stringContaining('unreadable') }],
    });
    expect(await ours()).toMatchObject({ isEvidenceAccepted: true });
    const byHand = await file();
    const files = [{ file_id: byHand, type: 'receipt' }];
    await world.holdDeliveries();
    await world.tilled(app, 'POST', `/v1/disputes/${tilledDisputeId}`, { description: 'By hand', files });
    expect(await submit(evidence([fileId]))).toMatchObject({ userErrors: [{ code: 'PROCESSOR_REJECTED' }] });
    // What Tilled showed is in the books, although no event told of it.
    expect(await ours()).toMatchObject({ status: 'UNDER_REVIEW', evidenceSubmittedAt: world.sandbox.now().toISOString() });
    await world.resumeDeliveries();
  });

  it('leaves nothing behind where Tilled cannot be reached, and does it with the same key later', async () => {
    await refuse(world, 'GET /v1/files/:id', 503, { times: 3 });
    const input = { ...evidence([fileId]), idempotencyKey: `later-${disputeId}` };
    expect(await submit(input)).toMatchObject({ userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await submit(input)).toMatchObject({ replayed: false, userErrors: [], dispute: { status: 'UNDER_REVIEW' } });
  });

  it('concedes with accept: nothing is sent, and nothing can be sent any more', async () => {
    const before = sent();
    const input = { disputeId, description: 'We concede.', accept: true, idempotencyKey: `concede-${disputeId}` };
    const concededAt = world.sandbox.now().toISOString();
    const answer = await submit(input);
    expect(answer).toMatchObject({ userErrors: [], dispute: { status: 'NEEDS_RESPONSE', isEvidenceAccepted: false, concededAt } });
    expect(await submit(input)).toEqual({ ...answer, replayed: true });
    expect(await submit(evidence([fileId]))).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    await world.settle();
    expect(await ours()).toMatchObject({ concededAt, evidenceSubmittedAt: null });
    expect([sent(), (await theirs())?.status]).toEqual([before, 'needs_response']);
  });

  it('that is still to come is counted by its deadline, until it is sent or the dispute is conceded', async () => {
    const counts = async () => {
      // A scrape may be that of two seconds ago.
      await sleep(2_100);
      const text = await (await fetch(`${world.url}/metrics`)).text();
      const found = text.matchAll(/^billing_disputes_unanswered\{due="(\w+)"\} (\d+)$/gm);
      return Object.fromEntries([...found].map(([, due, count]) => [due, Number(count)]));
    };
    const before = await counts();
    expect(Object.keys(before)).toEqual(['past', 'within_1_day', 'within_3_days', 'later']);
    const [later, second] = [before['later'] ?? 0, await dispute()];
    expect(await counts()).toMatchObject({ later: later + 1 });
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 18 * DAY_MS));
    expect(await counts()).toMatchObject({ later: 0, within_3_days: later + 1 });
    fileId = await file();
    await submit({ disputeId, description: 'We concede.', accept: true });
    await submit({ ...evidence([fileId]), disputeId: second.id });
    expect(await counts()).toMatchObject({ within_3_days: later - 1, within_1_day: 0 });
  });

  it('is for service keys, and of confined ones for those that may write disputes', async () => {
    const answerOf = async (scopes: readonly string[]) => {
      const credential = await world.key(app, 'service', { scopes });
      return (await world.send(app, ops.DisputeEvidenceSubmitDocument, { input: evidence([]) }, { credential })).errors.map(
        (e) => e.extensions.code,
      );
    };
    expect(await answerOf(['disputes:read', 'payments:write', 'payments:read'])).toEqual(['FORBIDDEN']);
    expect(await answerOf(['disputes:read', 'disputes:write', 'payments:read'])).toEqual([]);
  });
});

function evidence(fileIds: readonly string[]) {
  return { disputeId, description: 'It was delivered.', fileIds: [...fileIds] };
}

async function submit(input: ops.DisputeEvidenceSubmitInput) {
  return (await world.ask(app, ops.DisputeEvidenceSubmitDocument, { input })).disputeEvidenceSubmit;
}

async function ours() {
  return (await world.ask(app, ops.DisputeDocument, { id: disputeId })).dispute;
}

async function theirs() {
  const found = (await atTilled(world, app, 'disputes')).find(({ id }) => id === tilledDisputeId);
  return found as { status: string; status_history: { status: string }[] } | undefined;
}

/** How often evidence was sent to Tilled. */
function sent(): number {
  return world.sandbox.requests(SUBMIT).length;
}

function of(id: string) {
  return { file: expect.objectContaining({ id }), type: 'uncategorized' };
}

async function dispute(): Promise<{ id: string; tilledId: string }> {
  const payment = await world.payment(app, customerId);
  const row = (await world.rows('billing_payments', app)).find(({ id }) => id === payment.id);
  const made = (await world.control('disputes', { paymentIntentId: row?.['tilled_payment_intent_id'] })) as { id: string };
  await world.settle();
  const [own] = (await world.rows('billing_disputes', app)).filter(({ tilled_dispute_id: id }) => id === made.id);
  return { id: String(own?.['id']), tilledId: made.id };
}

async function file(change: object = {}, of = app): Promise<string> {
  const body = { purpose: 'dispute_evidence', file: { filename: 'receipt.pdf', size: 1_000 }, ...change };
  return ((await world.tilled(of, 'POST', '/v1/files', body)) as { id: string }).id;
}
