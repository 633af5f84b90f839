import type { Engine } from './engine.js';
import { HttpError } from './http-error.js';
import { completeAction } from './resources/payment-actions.js';
import type { Answer, Pages } from './server.js';

/** Where `next_action` leads: the bank's page on which the payer approves a payment or does not. */
export function actionPages(engine: Engine): Pages {
  return ({ method, url, body }) => {
    const id = /^\/action\/(\w+)$/.exec(url.pathname)?.[1];
    if (id === undefined) return undefined;
    const intent = engine.store.paymentIntents.get(id);
    if (intent === undefined || intent.client_secret !== url.searchParams.get('client_secret'))
      return html(404, '<p>There is nothing to do here.</p>');
    if (method !== 'POST') return html(200, intent.status === 'requires_action' ? FORM : '<p>There is nothing left to do.</p>');
    return answer(engine, id, new URLSearchParams(body).get('approve') === 'yes');
  };
}

function answer(engine: Engine, intentId: string, isApproved: boolean): Answer {
  try {
    const ended = engine.transaction(() => {
      const intent = engine.store.paymentIntents.get(intentId);
      if (intent === undefined) throw new HttpError(404, 'There is nothing to do here');
      return completeAction(engine, intent, isApproved ? null : 'authentication_required');
    });
    engine.runDueTimers();
    engine.webhooks.pump();
    return html(200, `<p>The payment is ${ended.status.replaceAll('_', ' ')}. You may close this page.</p>`);
  } catch (error) {
    if (error instanceof HttpError) return html(error.status, `<p>${error.message}.</p>`);
    throw error;
  }
}

const FORM = `<h1>Approve this payment?</h1>
<form method="post"><button name="approve" value="yes">Approve</button> <button name="approve" value="no">Decline</button></form>`;

function html(status: number, content: string): Answer {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Your bank (sandbox)</title><body>${content}</body></html>`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, body: page };
}
