import { setTimeout as sleep } from 'node:timers/promises';
import { deliveries } from './deliveries.mjs';
import { median, round } from './load.mjs';
import { rssMb } from './processes.mjs';
import { readListRequests, readOneRequests } from './reads.mjs';
import { startGateway } from './stage.mjs';

const SAMPLE_MS = 5_000;

/** Memory under a steady mix of reads and webhooks: the median of the last tenth against that of the third tenth, when the process is warm. */
export async function soakPart(stage, { soakSeconds }) {
  const gateway = await startGateway(stage);
  const startRssMb = rssMb(gateway.pid);
  const [app] = stage.apps;
  const headers = { authorization: `Bearer ${app.key}` };
  const pages = await readListRequests(gateway.url, app.customerIds, headers);
  const reads = [...readOneRequests(app.customerIds.slice(0, 300), headers), ...pages];
  const samples = [];
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      samples.push(rssMb(gateway.pid));
      await sleep(SAMPLE_MS);
    }
  })();
  const load = { connections: 8, seconds: soakSeconds };
  const [read, ingest] = await Promise.all([
    round(gateway, { ...load, rate: 150, requests: reads }),
    round(gateway, { ...load, rate: 100, requests: deliveries({ again: 0.2 }) }),
  ]);
  isOver = true;
  await sampling;
  await gateway.stop();
  const tenth = Math.max(1, Math.trunc(samples.length / 10));
  const [warm, end] = [median(samples.slice(2 * tenth, 3 * tenth)), median(samples.slice(-tenth))];
  return {
    raw: {
      soak: {
        seconds: soakSeconds,
        startMs: gateway.startMs,
        startRssMb,
        warmRssMb: warm,
        endRssMb: end,
        reads: read.requests,
        webhooks: ingest.requests,
        refused: read.refused + ingest.refused,
      },
    },
    ratios: { soakRssEndVsWarm: end / warm },
  };
}
