import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { interrupted } from './children.mjs';
import { CannotTest } from './database-server.mjs';
import { GaleraCluster } from './galera-cluster.mjs';

/**
 * Starts the one cluster on which a run makes databases for the tests that run on a cluster too.
 * @param {string} runDirectory an empty directory of this run's own; the cluster lives, and dies, with it
 * @returns {Promise<{ env: Record<string, string>, close(): Promise<void> }>} `env` names it to the tests
 */
export async function openTestCluster(runDirectory) {
  try {
    const cluster = await GaleraCluster.create({ within: runDirectory });
    const urls = cluster.nodes.map((node) => new URL(node.urlOf({ name: '' })));
    const balancer = await balance(urls);
    const spread = new URL(urls[0]);
    [spread.hostname, spread.port] = ['127.0.0.1', String(balancer.address().port)];
    const close = async () => {
      balancer.close();
      await cluster.close();
    };
    return { env: { BILLING_TEST_GALERA_URL: String(spread), BILLING_TEST_GALERA_NODES: urls.join(' ') }, close };
  } catch (cause) {
    if (interrupted.aborted) throw cause;
    throw new CannotTest(`The cluster did not start: ${cause.message}`, { cause });
  }
}

/**
 * Leads connections to the nodes in turn, as a proxy before a cluster may. So one gateway reads on another node than it wrote
 * on, and writes on all of them: harder than what any order of hosts in a URL asks for.
 * @param {readonly URL[]} urls
 */
async function balance(urls) {
  let turn = 0;
  const balancer = createServer((socket) => {
    const { hostname, port } = urls[turn % urls.length];
    turn += 1;
    const onward = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setNoDelay(true);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ]) {
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  balancer.listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  return balancer;
}
