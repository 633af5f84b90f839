import type { Engine } from './engine.js';
import { HttpError } from './http-error.js';
import type { CheckoutSessionRecord } from './records.js';
import { payOnPage } from './resources/checkout-sessions.js';
import type { Answer, Pages } from './server.js';

/** The hosted page of a checkout session: GET shows it, POST of its form pays. Card data goes to the sandbox only. */
export function checkoutPages(engine: Engine): Pages {
  return ({ method, url, body }) => {
    const id = /^\/checkout\/(\w+)$/.exec(url.pathname)?.[1];
    if (id === undefined) return undefined;
    const session = engine.store.checkoutSessions.get(id);
    if (session === undefined) return html(404, '<p>There is no such checkout.</p>');
    if (method !== 'POST') return html(200, session.status === 'open' ? form(session, null) : over(session));
    const answer = pay(engine, session, new URLSearchParams(body));
    engine.runDueTimers();
    engine.webhooks.pump();
    return answer;
  };
}

function pay(engine: Engine, session: CheckoutSessionRecord, sent: URLSearchParams): Answer {
  try {
    const tried = engine.transaction(() => payOnPage(engine, session, cardBody(sent)));
    if (tried.last_payment_error !== null) return html(200, form(session, tried.last_payment_error.message));
    if (session.success_url === null) return html(200, '<p>Thank you. The payment was received.</p>');
    return { status: 303, headers: { location: session.success_url }, body: '' };
  } catch (error) {
    if (error instanceof HttpError) return html(error.status, form(session, error.message));
    throw error;
  }
}

function cardBody(sent: URLSearchParams): unknown {
  const [month, year] = (sent.get('expiry') ?? '').split('/').map((part) => Number(part.trim()));
  const fullYear = year !== undefined && year < 100 ? 2000 + year : year;
  return {
    type: 'card',
    card: { number: sent.get('number') ?? '', exp_month: month, exp_year: fullYear, cvc: sent.get('cvc') ?? '' },
    billing_details: { name: sent.get('name') ?? '', address: { zip: sent.get('zip') ?? '', country: 'US' } },
  };
}

function form(session: CheckoutSessionRecord, problem: string | null): string {
  const amount = `${(session.amount_total / 100).toFixed(2)} ${session.currency.toUpperCase()}`;
  const lines = session.line_items.map((line) => `<li>${escaped(line.price_data.product_data.name)} × ${line.quantity}</li>`).join('');
  const input = (name: string, label: string, autocomplete: string) =>
    `<p><label>${label}<br><input name="${name}" autocomplete="${autocomplete}" required></label></p>`;
  return [
    `<h1>Pay ${amount}</h1><ul>${lines}</ul>`,
    problem === null ? '' : `<p role="alert">${escaped(problem)}</p>`,
    '<form method="post">',
    input('name', 'Name on card', 'cc-name'),
    input('number', 'Card number', 'cc-number'),
    input('expiry', 'Expiry (MM/YY)', 'cc-exp'),
    input('cvc', 'Security code', 'cc-csc'),
    input('zip', 'Postal code', 'postal-code'),
    `<button>Pay ${amount}</button></form>`,
    session.cancel_url === null ? '' : `<p><a href="${escaped(session.cancel_url)}">Cancel</a></p>`,
  ].join('\n');
}

function over(session: CheckoutSessionRecord): string {
  return session.status === 'complete' ? '<p>This checkout is paid.</p>' : '<p>This checkout has expired.</p>';
}

function html(status: number, content: string): Answer {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Checkout (sandbox)</title><body>${content}</body></html>`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, body: page };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
