import { deliveries } from './deliveries.mjs';
import { interleaved, round } from './load.mjs';
import { startContestant } from './processes.mjs';
import { SECRET, startGateway, tutorialOf } from './stage.mjs';

const CONNECTIONS = 64;
const STEADY = 500;
const FEW = 10_000;

/** Webhook ingest: verified, stored durably with its dirty object, answered 200; beside peers that store only the event, and one that stores nothing. */
export async function ingestPart(stage, { rounds, seconds }) {
  const environment = { DATABASE_URL: await tutorialOf(stage), WEBHOOK_SECRET: SECRET };
  const contestants = {
    gateway: await startGateway(stage),
    orm: await startContestant({ name: 'orm', args: ['dist/bench/peers/tutorial.js'], environment }),
    single: await startContestant({ name: 'single', args: ['bench/peers/single.mjs'], environment }),
    hmac: await startContestant({ name: 'hmac', args: ['bench/peers/hmac.mjs'], environment }),
  };
  // Who stores nothing may be sent the same again: it takes more than can be made for it in time.
  const few = Array.from(deliveries().take(FEW));
  const entries = Object.values(contestants).map((contestant) => ({
    contestant,
    load: { connections: CONNECTIONS, seconds, requests: contestant.name === 'hmac' ? few : deliveries() },
  }));
  const closed = await interleaved(entries, rounds);
  const steady = await interleaved(
    entries
      .filter(({ contestant }) => contestant.name !== 'hmac')
      .map(({ contestant, load }) => ({ contestant, load: { ...load, rate: STEADY } })),
    rounds,
  );
  const redelivered = await withRedeliveries(stage, contestants.gateway, seconds * rounds);
  for (const contestant of Object.values(contestants)) await contestant.stop();
  const ratio = (peer) => closed.gateway.perSecond / closed[peer].perSecond;
  return {
    raw: { ingest: closed, [`ingestAt${STEADY}`]: steady, redelivered },
    ratios: {
      ingestVsOrm: ratio('orm'),
      ingestVsSingleInsert: ratio('single'),
      ingestVsHmacOnly: ratio('hmac'),
      ingestSteadyP95VsSingleInsert: steady.gateway.p95 / steady.single.p95,
      ingestDeadlockShare: redelivered.deadlocks / redelivered.statements,
    },
  };
}

/** Half of the deliveries repeat an event: how many statements of the database ended in a deadlock. */
async function withRedeliveries({ connection }, gateway, seconds) {
  const counters = async () => {
    const [rows] = await connection.query(
      "show global status where Variable_name in ('Innodb_deadlocks', 'Com_insert', 'Com_update', 'Com_delete', 'Com_select')",
    );
    const of = Object.fromEntries(rows.map((row) => [row.Variable_name, Number(row.Value)]));
    return { deadlocks: of.Innodb_deadlocks ?? Number.NaN, statements: of.Com_insert + of.Com_update + of.Com_delete + of.Com_select };
  };
  const before = await counters();
  const measured = await round(gateway, { connections: CONNECTIONS, seconds, requests: deliveries({ again: 0.5 }) });
  const after = await counters();
  return { ...measured, deadlocks: after.deadlocks - before.deadlocks, statements: after.statements - before.statements };
}
