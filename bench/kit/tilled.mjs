import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * The sandbox in a process of its own, with an account.
 * @returns {Promise<{ baseUrl: string, accountId: string, secretKey: string, ask: Function, latency: Function, stop(): void }>}
 */
export async function startTilled() {
  const child = spawn(process.execPath, ['--no-warnings', 'dist/src/cli/billing.js', 'sandbox', '--port', '0', '--seed', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const facts = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, value] = line.split('=');
    facts[name] = value;
    if (facts.TILLED_SECRET_KEY !== undefined) break;
  }
  const { TILLED_BASE_URL: baseUrl, TILLED_ACCOUNT_ID: accountId, TILLED_SECRET_KEY: secretKey } = facts;
  const headers = { 'content-type': 'application/json', 'tilled-api-key': secretKey, 'tilled-account': accountId };
  const ask = async (path, body) => {
    const answer = await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const card = () =>
    ask('/v1/payment-methods', {
      type: 'card',
      card: { number: '4111111111111111', exp_month: 12, exp_year: 2039, cvc: '123' },
      billing_details: { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } },
    });
  return {
    baseUrl,
    accountId,
    secretKey,
    ask,
    card,
    latency: (medianMs) => ask('/_sandbox/latency', { medianMs, sigma: 0 }),
    stop: () => child.kill('SIGKILL'),
  };
}
