import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import mysql from 'mysql2/promise';
import { GaleraCluster } from '../support/galera-cluster.mjs';

/** Longer than any transaction of a process that runs. */
const LOCKED_MS = 300;

/**
 * Where the books of a run are. `urlOf(index)` is the address that the process of this number is given; `keptAs` says where they are,
 * without a password.
 * @param {string} database `embedded`, `galera`, or the URL of a MySQL/MariaDB server
 * @param {string} directory of the run
 */
export async function openPlace(database, directory) {
  if (database === 'embedded') return new EmbeddedPlace(join(directory, 'billing.db'));
  if (database === 'galera') return new ClusterPlace(await GaleraCluster.create(), process.env.CHAOS_HOSTS ?? 'order');
  return ServerPlace.open(database.replace(/\/+$/, ''));
}

class EmbeddedPlace {
  name = 'embedded database';
  keptAs = 'billing.db in it';

  constructor(file) {
    this.file = file;
  }

  urlOf() {
    return `sqlite:${this.file}`;
  }

  /** Whether nobody can write to it: one who is frozen amid a transaction stops all others. Servers lock rows. */
  async isLocked() {
    const file = new DatabaseSync(this.file);
    try {
      file.exec(`pragma busy_timeout = ${LOCKED_MS}; begin immediate; rollback`);
      return false;
    } catch {
      return true;
    } finally {
      file.close();
    }
  }

  async close() {}
}

class ServerPlace {
  name = 'database server';

  static async open(server) {
    const place = new ServerPlace();
    place.server = server;
    place.database = `bg_chaos_${randomBytes(4).toString('hex')}`;
    place.keptAs = `database ${place.database}`;
    await place.#ask(`create database ${place.database} character set utf8mb4 collate utf8mb4_bin`);
    return place;
  }

  urlOf() {
    return `${this.server}/${this.database}`;
  }

  async isLocked() {
    return false;
  }

  async close({ keep }) {
    if (!keep) await this.#ask(`drop database ${this.database}`);
  }

  async #ask(statement) {
    const connection = await mysql.createConnection(this.server);
    await connection.query(statement).finally(() => connection.end());
  }
}

/** What a process on a cluster is told of its nodes. */
const HOSTS = {
  order: (cluster) => cluster.urlOf(),
  random: (cluster) => cluster.urlOf({ query: '?load_balance_hosts=random' }),
  own: ({ nodes }, index) => nodes[index % nodes.length].url,
};

class ClusterPlace {
  keptAs = 'the nodes of its cluster';

  constructor(cluster, hosts) {
    Object.assign(this, { cluster, hosts, name: `Galera cluster, hosts: ${hosts}` });
  }

  urlOf(index) {
    return HOSTS[this.hosts](this.cluster, index);
  }

  async isLocked() {
    return false;
  }

  /** Tables that are not the same on all nodes. */
  async differences() {
    const { nodes } = this.cluster;
    const found = await Promise.all(nodes.map(checksums));
    const tables = Object.keys(found[0]);
    return tables.filter((table) => new Set(found.map((node) => node[table])).size > 1);
  }

  async close({ keep }) {
    if (keep) await Promise.all(this.cluster.nodes.map((node) => node.kill()));
    else await this.cluster.close();
  }
}

async function checksums(node) {
  const connection = await node.administer();
  try {
    const [tables] = await connection.query("select table_name as name from information_schema.tables where table_schema = 'billing_db'");
    const [rows] = await connection.query(`checksum table ${tables.map(({ name }) => `billing_db.${name}`).join(', ')}`);
    return Object.fromEntries(rows.map(({ Table, Checksum }) => [Table, Checksum]));
  } finally {
    connection.destroy();
  }
}
