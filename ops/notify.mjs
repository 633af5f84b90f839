/**
 * Tells Alertmanager that a systemd unit failed: `node ops/notify.mjs billing-backup.service`. The units call it by OnFailure=, and it reaches
 * who hears of critical alerts. ALERTMANAGER_URL says where (http://127.0.0.1:9093); without an answer the journal has the failure.
 */
const [unit = 'unknown'] = process.argv.slice(2);
const { ALERTMANAGER_URL: url = 'http://127.0.0.1:9093' } = process.env;
const alert = {
  labels: { alertname: 'BillingUnitFailed', severity: 'critical', unit },
  annotations: { summary: `The unit ${unit} failed: journalctl -u ${unit} says why.` },
};

const answer = await fetch(`${url}/api/v2/alerts`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify([alert]),
  signal: AbortSignal.timeout(10_000),
}).catch((error) => error);
if (answer.ok) process.exit(0);
console.error(`Alertmanager at ${url} was not told that ${unit} failed: ${answer.status ?? answer.cause?.message ?? answer.message}`);
process.exit(1);
