import { deliveries } from './deliveries.mjs';
import { round } from './load.mjs';
import { readOneRequests } from './reads.mjs';
import { startGateway } from './stage.mjs';

/** 1, 2 and 4 gateways on one database: reads and webhooks together, and no event stored twice. */
export async function scalePart(stage, { seconds }) {
  const [app] = stage.apps;
  const raw = {};
  for (const count of [1, 2, 4]) {
    const gateways = [];
    for (let index = 0; index < count; index += 1) gateways.push(await startGateway(stage, { name: `gateway${index}` }));
    const requests = readOneRequests(app.customerIds.slice(0, 300), { authorization: `Bearer ${app.key}` });
    const each = (load) =>
      Promise.all(gateways.map((gateway) => round(gateway, { connections: Math.trunc(32 / count), seconds, ...load })));
    await each({ requests, seconds: 2 });
    const reads = await each({ requests });
    const before = await stored(stage);
    // The same events go to every gateway, as when Tilled delivers again elsewhere.
    const shared = deliveries({ again: 0.5 });
    const ingests = await each({ requests: shared });
    const after = await stored(stage);
    raw[count] = {
      readsPerSecond: sum(reads, 'perSecond'),
      webhooksPerSecond: sum(ingests, 'perSecond'),
      deliveries: sum(ingests, 'requests'),
      counted: after.deliveries - before.deliveries,
      events: after.events - before.events,
      refused: sum(reads, 'refused') + sum(ingests, 'refused'),
    };
    for (const gateway of gateways) await gateway.stop();
  }
  return {
    raw: { scale: raw },
    ratios: {
      readsTwoVsOne: raw[2].readsPerSecond / raw[1].readsPerSecond,
      webhooksTwoVsOne: raw[2].webhooksPerSecond / raw[1].webhooksPerSecond,
    },
  };
}

async function stored({ connection }) {
  const [[row]] = await connection.query('select count(*) as events, coalesce(sum(deliveries), 0) as deliveries from billing_webhooks');
  return { events: Number(row.events), deliveries: Number(row.deliveries) };
}

const sum = (rounds, figure) => rounds.reduce((total, one) => total + one[figure], 0);
