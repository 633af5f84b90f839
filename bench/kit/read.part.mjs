import { interleaved } from './load.mjs';
import { startContestant } from './processes.mjs';
import { readListRequests, readOneRequests } from './reads.mjs';
import { startGateway, tutorialOf } from './stage.mjs';

const CONNECTIONS = 32;
/** What is under way when a turn ends is not counted. The naive peer takes a second for a list, so turns are longer than others here, and fewer. */
const LONGER = 2.5;
const FEWER = 2 / 3;

/** GraphQL reads beside peers: ours authenticated and limited, the others not. */
export async function readPart(stage, measure) {
  const [rounds, seconds] = [Math.ceil(measure.rounds * FEWER), measure.seconds * LONGER];
  const [app] = stage.apps;
  const environment = { DATABASE_URL: stage.billingUrl, APP_ID: app.id };
  const tutorial = { DATABASE_URL: await tutorialOf(stage), APP_ID: app.id };
  const contestants = {
    gateway: await startGateway(stage),
    naive: await startContestant({ name: 'naive', args: ['dist/bench/peers/naive.js'], environment: tutorial }),
    fast: await startContestant({ name: 'fast', args: ['bench/peers/fast.mjs'], environment }),
    floor: await startContestant({ name: 'floor', args: ['bench/peers/floor.mjs'], environment }),
  };
  const authorization = { authorization: `Bearer ${app.key}` };
  const customerIds = app.customerIds.slice(0, 500);
  await assertSameAnswers(Object.values(contestants), customerIds[0], authorization);
  const loadOf = (requests) => ({ connections: CONNECTIONS, seconds, requests });
  const entries = (make) =>
    Promise.all(
      Object.values(contestants).map(async (contestant) => ({
        contestant,
        load: loadOf(await make(contestant.url, contestant.name === 'gateway' ? authorization : {})),
      })),
    );
  const readOne = await interleaved(await entries((_, headers) => readOneRequests(customerIds, headers)), rounds);
  const readList = await interleaved(await entries((url, headers) => readListRequests(url, app.customerIds, headers)), rounds);
  for (const contestant of Object.values(contestants)) await contestant.stop();
  const ratio = (figures, peer) => figures.gateway.perSecond / figures[peer].perSecond;
  return {
    raw: { readOne, readList },
    ratios: {
      readOneVsNaive: ratio(readOne, 'naive'),
      readOneVsFastPeer: ratio(readOne, 'fast'),
      readOneVsFloor: ratio(readOne, 'floor'),
      readListVsNaive: ratio(readList, 'naive'),
      readListVsFastPeer: ratio(readList, 'fast'),
      readListVsFloor: ratio(readList, 'floor'),
    },
  };
}

/** All must answer the same, or their figures compare nothing. */
async function assertSameAnswers(contestants, customerId, headers) {
  const firstPage = await readListRequests(contestants[0].url, [customerId], headers);
  for (const [request] of [readOneRequests([customerId], headers), firstPage]) {
    const answers = [];
    for (const { url } of contestants) {
      const response = await fetch(url + request.path, { method: 'POST', headers: request.headers, body: request.body });
      answers.push(JSON.stringify(sorted(JSON.parse(await response.text()).data)));
    }
    for (const [index, answer] of answers.entries())
      if (answer !== answers[0])
        throw new Error(`${contestants[index].name} answers otherwise:\n${answer.slice(0, 600)}\n${answers[0].slice(0, 600)}`);
  }
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  );
}
