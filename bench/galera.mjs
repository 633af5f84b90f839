/**
 * `npm run bench:galera`: one and three gateways on three nodes of a Galera cluster, beside one and three on a single server, in turns in
 * one run. All of them, the load and Tilled share the processors, so what carries over is the processor time of a request, at the gateways
 * and at all servers of a database together. Needs root, for the networks of the nodes.
 *
 *   --only PART[,PART…]     commit, read, lists, pay; all
 *   --rounds N --seconds S  6 rounds of 3 s for each fleet, drawn into a new order each round (a payment's are twice as long)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { openTestServer } from '../test/support/database-server.mjs';
import { GaleraCluster } from '../test/support/galera-cluster.mjs';
import { openBooks } from './kit/books.mjs';
import { commitTimes } from './kit/commit-times.mjs';
import { fleetsInTurns, headersOf, paying, reading, startFleet } from './kit/fleet.mjs';
import { assertWrk } from './kit/load.mjs';
import { killAll } from './kit/processes.mjs';
import { readListRequests, readOneRequests } from './kit/reads.mjs';
import { startTilled } from './kit/tilled.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'commit,read,lists,pay' },
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '3' },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const parts = values.only.split(',');
const LIMIT = 'connection_limit=10';
const DATABASE = 'bg_galera_bench';

assertWrk();
const directory = mkdtempSync(join(tmpdir(), 'billing-galera-'));
const server = await openTestServer(directory, DATABASE);
const cluster = await GaleraCluster.create();
const tilled = await startTilled();
try {
  const single = `${server.url}/${DATABASE}`;
  await singleServer(server.url);
  const nodes = cluster.nodes.map(({ url }) => url);
  console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, ${server.describedAs}; load before ${loadavg()[0]?.toFixed(1)}`);
  const onServer = await openBooks({ url: single, servers: [single] }, tilled);
  const onCluster = await openBooks({ url: nodes[0], servers: nodes }, tilled);
  if (parts.includes('commit')) console.log(timesTable(await commitTimes({ single, node: nodes[0], other: nodes[1] })));
  const limited = (url) => `${url}?${LIMIT}`;
  const all = [0, 0, 0];
  const fleets = [
    await startFleet('server, one gateway', onServer, [limited(single)]),
    await startFleet(
      'server, three gateways',
      onServer,
      all.map(() => limited(single)),
    ),
    await startFleet('nodes, one gateway', onCluster, [limited(nodes[0])]),
    await startFleet(
      'nodes, three gateways in order',
      onCluster,
      all.map(() => limited(cluster.urlOf())),
    ),
    await startFleet('nodes, three gateways, each on its own', onCluster, nodes.map(limited)),
  ];
  const measure = async (part, loadsOf) => {
    if (!parts.includes(part)) return;
    const entries = [];
    for (const fleet of fleets) entries.push({ fleet, loads: await loadsOf(fleet) });
    console.log(`\n${part}, load ${loadavg()[0]?.toFixed(1)}\n\n${tableOf(await fleetsInTurns(entries, rounds))}`);
  };
  const one = (_, books) => readOneRequests(books.customerIds.slice(0, 400), headersOf(books));
  const lists = (url, books) => readListRequests(url, books.customerIds, headersOf(books));
  await measure('read', (fleet) => reading(fleet, seconds, one));
  await measure('lists', (fleet) => reading(fleet, seconds, lists));
  await measure('pay', (fleet) => paying(fleet, seconds, tilled));
} finally {
  killAll();
  tilled.stop();
  await cluster.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}

async function singleServer(url) {
  const connection = await mysql.createConnection(url);
  await connection.query('set global innodb_flush_log_at_trx_commit = 1');
  await connection.query(`create database ${DATABASE} character set utf8mb4 collate utf8mb4_bin`);
  await connection.end();
}

/** Figures by fleet, each beside its ratio to the first. */
function tableOf(found) {
  const figures = {
    perSecond: 'a second',
    p50: 'p50 ms',
    p95: 'p95 ms',
    cpuMicros: 'CPU µs, gateways',
    databaseCpuMicros: 'CPU µs, databases',
  };
  const [base] = Object.values(found);
  const cell = (one, figure) => `${one[figure].toFixed(1)}${one === base ? '' : ` (${(one[figure] / base[figure]).toFixed(2)})`}`;
  const rows = Object.entries(found).map(
    ([name, one]) => `| ${[name, ...Object.keys(figures).map((figure) => cell(one, figure)), one.refused].join(' | ')} |`,
  );
  const head = ['', ...Object.values(figures), 'refused'];
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
}

function timesTable(groups) {
  const rows = Object.entries(groups).flatMap(([what, group]) =>
    Object.entries(group).map(([name, { p50, p95 }]) => `| ${what}, ${name} | ${p50.toFixed(2)} | ${p95.toFixed(2)} |`),
  );
  return ['| ms | p50 | p95 |', '|---|---|---|', ...rows].join('\n');
}
