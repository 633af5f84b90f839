import { round } from './load.mjs';
import { startContestant } from './processes.mjs';
import { readOneRequests } from './reads.mjs';
import { startGateway, tutorialOf } from './stage.mjs';

const RATES = [50, 100, 200, 400, 800, 1200, 1600, 2000, 2400];

/** Latency of one read against load, open model: requests are due at the rate whatever the answers do. A contestant is done once it lags behind. */
export async function sweepPart(stage, { stepSeconds: seconds }) {
  const [app] = stage.apps;
  const environment = { DATABASE_URL: stage.billingUrl, APP_ID: app.id };
  const contestants = [
    await startGateway(stage),
    await startContestant({
      name: 'naive',
      args: ['dist/bench/peers/naive.js'],
      environment: { ...environment, DATABASE_URL: await tutorialOf(stage) },
    }),
    await startContestant({ name: 'fast', args: ['bench/peers/fast.mjs'], environment }),
    await startContestant({ name: 'floor', args: ['bench/peers/floor.mjs'], environment }),
  ];
  const sweep = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  const requestsOf = ({ name }) =>
    readOneRequests(app.customerIds.slice(0, 300), name === 'gateway' ? { authorization: `Bearer ${app.key}` } : {});
  for (const contestant of contestants) await round(contestant, { connections: 64, seconds: 3, requests: requestsOf(contestant) });
  for (const rate of RATES) {
    for (const contestant of contestants) {
      if (sweep[contestant.name].some((point) => point.isBehind)) continue;
      const { perSecond, p50, p95, refused } = await round(contestant, {
        connections: 64,
        seconds,
        rate,
        requests: requestsOf(contestant),
      });
      sweep[contestant.name].push({ rate, perSecond, p50, p95, refused, isBehind: perSecond < rate * 0.9 });
    }
  }
  for (const contestant of contestants) await contestant.stop();
  return { raw: { sweep }, ratios: {} };
}
