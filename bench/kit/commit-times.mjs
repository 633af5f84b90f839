import mysql from 'mysql2/promise';
import { median } from './load.mjs';

const TIMES = 1_500;
const IN_A_ROW = 50;

/**
 * How long a COMMIT and a read take on a single server and on a node, at the median, ms: connections take turns, fifty times each, with
 * nothing else at work. `waiting` reads have first what the other nodes have committed (wsrep_sync_wait = 7, as in our sessions).
 * @param {{ single: string, node: string, other: string }} urls
 */
export async function commitTimes({ single, node, other }) {
  const connections = {};
  for (const [name, uri] of Object.entries({ single, node, waiting: node, other })) connections[name] = await mysql.createConnection(uri);
  for (const name of ['single', 'node'])
    await connections[name].query('create table bench_commits (id int primary key auto_increment, at varchar(100) not null)');
  await connections.waiting.query('set wsrep_sync_wait = 7');
  const commits = { 'single server': [], node: [] };
  const reads = { 'single server': [], node: [], 'node, waiting': [], 'node, waiting, another written': [] };
  for (let done = 0; done < TIMES; done += IN_A_ROW) {
    await times(IN_A_ROW, async () => commits['single server'].push(await commit(connections.single)));
    await times(IN_A_ROW, async () => commits.node.push(await commit(connections.node)));
    await times(IN_A_ROW, async () => reads['single server'].push(await read(connections.single)));
    await times(IN_A_ROW, async () => reads.node.push(await read(connections.node)));
    await times(IN_A_ROW, async () => reads['node, waiting'].push(await read(connections.waiting)));
    await times(IN_A_ROW, async () => {
      await commit(connections.other);
      reads['node, waiting, another written'].push(await read(connections.waiting));
    });
  }
  for (const name of ['single', 'node']) await connections[name].query('drop table bench_commits');
  for (const connection of Object.values(connections)) await connection.end();
  return { COMMIT: quantiles(commits), read: quantiles(reads) };
}

async function commit(connection) {
  await connection.query('begin');
  await connection.query("insert into bench_commits (at) values (repeat('x', 100))");
  return timed(() => connection.query('commit'));
}

function read(connection) {
  return timed(() => connection.query('select count(*) from billing_apps'));
}

async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function times(count, work) {
  for (let done = 0; done < count; done += 1) await work();
}

function quantiles(groups) {
  const of = (values) => ({ p50: median(values), p95: [...values].sort((one, other) => one - other)[Math.floor(values.length * 0.95)] });
  return Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, of(values)]));
}
