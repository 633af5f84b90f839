// usage: node prof.mjs [list|one] : starts stage small, gateway with --cpu-prof, loads it, prints top self time
import { openStage, SECRET, ACCOUNT } from '/tmp/wt/bench/bench/kit/stage.mjs';
import { startContestant, killAll } from '/tmp/wt/bench/bench/kit/processes.mjs';
import { round } from '/tmp/wt/bench/bench/kit/load.mjs';
import { readOneRequests, readListRequests } from '/tmp/wt/bench/bench/kit/reads.mjs';
import { readFileSync, readdirSync, rmSync, mkdirSync } from 'node:fs';
const which = process.argv[2] ?? 'one';
const stage = await openStage(10_000);
try {
  rmSync('/tmp/prof', { recursive: true, force: true }); mkdirSync('/tmp/prof');
  const gw = await startContestant({ name: 'gateway', args: ['--cpu-prof', '--cpu-prof-dir=/tmp/prof', 'dist/src/main.js'], environment: {
    DATABASE_URL_BILLING: `${stage.billingUrl}?connection_limit=10`, BILLING_WORKER: 'off', BILLING_REQUESTS_PER_WINDOW: '1000000000', BILLING_ENCRYPTION_KEY: Buffer.alloc(32,7).toString('base64'),
    TILLED_BASE_URL: 'http://127.0.0.1:9', TILLED_SECRET_KEY: 'sk_bench', TILLED_PUBLIC_KEY: 'pk_bench', TILLED_WEBHOOK_SECRET: SECRET, TILLED_ACCOUNT_ID: ACCOUNT, LOG_LEVEL: 'warn' } });
  const [app] = stage.apps;
  const h = { authorization: `Bearer ${app.key}` };
  const requests = which === 'one' ? readOneRequests(app.customerIds.slice(0, 300), h) : readListRequests(h);
  console.log(await round(gw, { connections: 32, seconds: 3, requests }));
  console.log(await round(gw, { connections: 32, seconds: 4, requests }));
  await gw.stop();
  const file = readdirSync('/tmp/prof').map((f) => `/tmp/prof/${f}`)[0];
  const prof = JSON.parse(readFileSync(file));
  const self = new Map(); const byId = new Map(prof.nodes.map((n) => [n.id, n]));
  const dt = prof.timeDeltas; let total = 0;
  prof.samples.forEach((id, i) => { const n = byId.get(id); const f = n.callFrame; const k = `${f.functionName || '(anon)'} ${f.url.split('/').slice(-3).join('/')}:${f.lineNumber}`; self.set(k, (self.get(k) ?? 0) + dt[i]); total += dt[i]; });
  const idle = [...self].filter(([k]) => k.startsWith('(idle)') || k.startsWith('(program)')).reduce((s, [, v]) => s + v, 0);
  console.log('total ms', total / 1000, 'idle/program', idle / 1000);
  for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 45)) console.log((v / 1000).toFixed(0).padStart(7), k);
} finally { await stage.close(); }
