import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const sh = promisify(execFile);

/** Where the library of Galera is. */
export const GALERA_LIBRARIES = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so', '/usr/lib/libgalera_smm.so'];
/** Where Debian and others put what sets the clock of one process. */
export const LIBFAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib', '/usr/lib64'].map(
  (directory) => `${directory}/faketime/libfaketimeMT.so.1`,
);
const START_MS_MAX = 60_000;
const PORT = 3306;
/** Of every user of such a cluster. */
const PASSWORD = 'of-a-cluster';
/** Networks there are for clusters, two each. */
const PAIRS = 120;
/**
 * Namespaces are called so, with the number of the process that made them, which one that was killed left behind, and
 * one of the cluster: what a cluster had goes a while after it was removed.
 */
const PREFIX = 'bggal';

/**
 * Waits for a donor's word, then says from where the rest is sent; every node begins as a copy of the first, so nothing
 * but the rest ever is. The donor is asked for no more than that word.
 */
const TRANSFER = `#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    --role) role=$2 ;;
    --address) address=$2 ;;
    --gtid) gtid=$2 ;;
    --parent) parent=$2 ;;
    --bypass) rest=1 ;;
  esac
  shift
done
word="$GALERA_WORDS/$(echo "$address" | cut -d: -f1)"
if [ "$role" = joiner ]; then
  rm -f "$word"
  echo "ready $address"
  until [ -s "$word" ]; do
    kill -0 "$parent" || exit 3
    sleep 0.1
  done
  cat "$word"
elif [ -z "$rest" ]; then
  echo "The whole is asked for, not the rest." >&2
  exit 22
else
  echo continue
  echo "$gtid" > "$word.new" && mv "$word.new" "$word"
  echo "done $gtid"
fi
`;

/**
 * Three database servers that are one cluster, each in a network namespace of its own with two ways out: one to the other
 * nodes, one to us. So each can be killed, stopped where it is, cut off from the others, or from its clients.
 */
export class GaleraCluster {
  /** @type {GaleraNode[]} */
  nodes = [];
  #directory;
  /** @type {ReturnType<typeof networksOf> | null} */
  #networks = null;
  #endWithUs = () => this.#endAtOnce();

  /**
   * A running cluster with an empty database `billing_db`.
   * @param {{ size?: number, settings?: readonly string[], statements?: readonly string[], keepsLogs?: boolean, within?: string }} [wishes] `settings`
   * are options of every server, `statements` are run once; `keepsLogs` has every node write a binary log; `within` is where they have their data
   */
  static async create({ size = 3, settings = [], statements = [], keepsLogs = false, within = tmpdir() } = {}) {
    await sweep();
    const cluster = new GaleraCluster(within);
    try {
      await cluster.#make({ size, settings, statements, keepsLogs });
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** @param {string} within */
  constructor(within) {
    this.#directory = mkdtempSync(join(within, 'bg_galera_'));
    process.once('exit', this.#endWithUs);
  }

  async #make({ size, settings, statements, keepsLogs }) {
    const label = await freeLabel();
    this.#networks = networksOf(label);
    const { tag, group, clients } = this.#networks;
    const { groupNet, clientNet } = await freeNetworks();
    for (const bridge of [group, clients]) await sh('ip', ['link', 'add', bridge, 'type', 'bridge']);
    for (const bridge of [group, clients]) await sh('ip', ['link', 'set', bridge, 'up']);
    await sh('ip', ['addr', 'add', `${clientNet}.254/24`, 'dev', clients]);
    const words = join(this.#directory, 'words');
    mkdirSync(words);
    const programs = join(this.#directory, 'bin');
    mkdirSync(programs);
    writeFileSync(join(programs, 'wsrep_sst_cold'), TRANSFER);
    chmodSync(join(programs, 'wsrep_sst_cold'), 0o755);
    const members = Array.from({ length: size }, (_, index) => `${groupNet}.${index + 1}`);
    for (let index = 0; index < size; index += 1) {
      const place = { index, directory: join(this.#directory, `node-${index}`), namespace: `${tag}n${index}`, label };
      const node = new GaleraNode({
        ...place,
        group,
        clients,
        groupAddress: members[index],
        address: `${clientNet}.${index + 1}`,
        members,
        words,
        programs,
        settings,
        keepsLogs,
      });
      await node.join();
      this.nodes.push(node);
    }
    const [first, ...others] = this.nodes;
    await first.install();
    await first.start({ isFirst: true });
    await this.#furnish(statements);
    await first.stop();
    for (const other of others) other.copyOf(first);
    await first.start({ isFirst: true });
    for (const other of others) await other.start();
    await this.whole();
  }

  async #furnish(statements) {
    const connection = await this.nodes[0].administer();
    const all = [
      "delete from mysql.global_priv where user = ''",
      `create user 'root'@'%' identified by '${PASSWORD}'`,
      "grant all privileges on *.* to 'root'@'%' with grant option",
      `create user 'billing'@'%' identified by '${PASSWORD}'`,
      "grant all on billing_db.* to 'billing'@'%'",
      'create database billing_db character set utf8mb4 collate utf8mb4_bin',
      'flush privileges',
      ...statements,
    ];
    for (const statement of all) await connection.query(statement);
    await connection.end();
  }

  /** The addresses of all nodes in one, in their order or from another one on. */
  urlOf({ from = 0, user = 'root', name = 'billing_db', query = '' } = {}) {
    const nodes = [...this.nodes.slice(from), ...this.nodes.slice(0, from)];
    return `mysql://${user}:${PASSWORD}@${nodes.map(({ address }) => `${address}:${PORT}`).join(',')}/${name}${query}`;
  }

  /** Resolves once every running node is of one cluster and has all that the others have. Throws after a minute. */
  async whole() {
    const running = this.nodes.filter((node) => node.isRunning);
    for (const until = Date.now() + START_MS_MAX; Date.now() < until; await sleep(100)) {
      const states = await Promise.all(running.map((node) => node.state().catch(() => null)));
      if (states.every((state) => state?.ready && state.comment === 'Synced' && state.size === running.length)) return;
    }
    throw new Error(`The cluster did not become whole: ${running.map((node) => node.lastWords()).join('\n')}`);
  }

  /** Begins it anew after all of its nodes were lost, as an operator does: on the one that has the most. Resolves once it is whole. */
  async beginAnew() {
    const reached = new Map();
    for (const node of this.nodes) reached.set(node, await node.position());
    const [first, ...others] = this.nodes.toSorted((one, other) => reached.get(other) - reached.get(one));
    for (const node of others) node.forgetGroup();
    await first.start({ isFirst: true });
    for (const node of others) await node.start();
    await this.whole();
  }

  /** Ends all nodes and removes what they held. */
  async close() {
    await Promise.all(this.nodes.map((node) => node.kill()));
    process.off('exit', this.#endWithUs);
    if (this.#networks !== null) await remove(this.#networks);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #endAtOnce() {
    for (const node of this.nodes) node.killAtOnce();
  }
}

/** One server of a cluster. */
class GaleraNode {
  #parts;
  #child = null;

  constructor(parts) {
    this.#parts = parts;
    mkdirSync(join(parts.directory, 'tmp'), { recursive: true });
  }

  /** Where clients reach it, on the usual port. */
  get address() {
    return this.#parts.address;
  }

  /** The address of its database alone. */
  get url() {
    return this.urlOf();
  }

  urlOf({ user = 'root', name = 'billing_db', query = '' } = {}) {
    return `mysql://${user}:${PASSWORD}@${this.address}:${PORT}/${name}${query}`;
  }

  get isRunning() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The file that its server writes down what it does in. */
  get log() {
    return join(this.#parts.directory, 'server.log');
  }

  /** Makes its namespace and joins it to both networks. */
  async join() {
    const { namespace, group, clients, groupAddress, address, index, label } = this.#parts;
    await sh('ip', ['netns', 'add', namespace]);
    await sh('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    for (const [name, bridge, own] of [
      ['g', group, groupAddress],
      ['c', clients, address],
    ]) {
      const outer = `${name}${label}.${index}`;
      await sh('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', `eth${name}`, 'netns', namespace]);
      await sh('ip', ['link', 'set', outer, 'master', bridge, 'up']);
      await sh('ip', ['-n', namespace, 'addr', 'add', `${own}/24`, 'dev', `eth${name}`]);
      await sh('ip', ['-n', namespace, 'link', 'set', `eth${name}`, 'up']);
    }
  }

  /** Makes an empty data directory. */
  async install() {
    const installer = findProgram(['mariadb-install-db', 'mysql_install_db']);
    await sh(installer, [
      '--no-defaults',
      `--datadir=${this.#data}`,
      // A server that starts removes what looks like temporary tables there, those of others that run too.
      `--tmpdir=${join(this.#parts.directory, 'tmp')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...user(),
    ]);
  }

  /** Begins as another does, which is stopped. */
  copyOf(other) {
    cpSync(other.#data, this.#data, {
      recursive: true,
      filter: (from) => !/(galera\.cache|gvwstate\.dat|auto\.cnf|\.sock|\.pid)$/.test(from),
    });
  }

  /**
   * Starts it on the data it had; resolves once it answers and has what the others have.
   * @param {{ isFirst?: boolean, environment?: Record<string, string>, settings?: readonly string[] }} [how] `isFirst` begins the cluster;
   * `environment` and `settings` are of this process alone
   */
  async start({ isFirst = false, environment = {}, settings = [] } = {}) {
    const position = existsSync(join(this.#data, 'grastate.dat')) ? await this.#recovered() : [];
    const first = isFirst ? ['--wsrep-new-cluster'] : [];
    if (isFirst) this.#mayBegin();
    const log = openSync(this.log, 'a');
    const child = spawn(...this.#inside([...this.#options, ...this.#cluster, ...position, ...first, ...settings]), {
      stdio: ['ignore', log, log],
      env: { ...this.#environment, ...environment },
    });
    this.#child = child;
    for (const until = Date.now() + START_MS_MAX; Date.now() < until && this.isRunning; await sleep(100)) {
      const state = await this.state().catch(() => null);
      if (state?.ready && state.comment === 'Synced') return;
    }
    throw new Error(`Node ${this.#parts.index} did not start: ${this.lastWords()}`);
  }

  /** Ends it in order. */
  async stop() {
    if (!this.isRunning) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  /** Ends it as a power cut would; resolves once it is gone. */
  async kill() {
    if (!this.isRunning) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  killAtOnce() {
    this.#child?.kill('SIGKILL');
  }

  /** Has it hang: connections stay open, and nothing is answered. */
  pause() {
    this.#child?.kill('SIGSTOP');
  }

  /** Has it go on where it was. */
  resume() {
    this.#child?.kill('SIGCONT');
  }

  /**
   * Packets between it and the other nodes, or between it and its clients, are lost from now on, without a word.
   * @param {'group' | 'clients'} from
   */
  async cutOff(from = 'group') {
    await sh('ip', ['link', 'set', this.#outer(from), 'nomaster']);
  }

  /** @param {'group' | 'clients'} from */
  async joinAgain(from = 'group') {
    await sh('ip', ['link', 'set', this.#outer(from), 'master', this.#parts[from]]);
  }

  /** A connection of its administrator, by its socket: whatever became of the network. */
  async administer() {
    // Who only asks whether there can be a cluster here need not have the driver.
    const { createConnection } = await import('mysql2/promise');
    return createConnection({ socketPath: this.#socket, user: 'root', connectTimeout: 2_000 });
  }

  /** What it says of itself. */
  async state() {
    const connection = await this.administer();
    try {
      const [rows] = await connection.query(
        "show global status where variable_name in ('wsrep_ready', 'wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_local_state_comment')",
      );
      const found = Object.fromEntries(rows.map(({ Variable_name, Value }) => [Variable_name.toLowerCase(), Value]));
      return {
        ready: found.wsrep_ready === 'ON',
        size: Number(found.wsrep_cluster_size),
        status: String(found.wsrep_cluster_status),
        comment: String(found.wsrep_local_state_comment),
      };
    } finally {
      connection.destroy();
    }
  }

  /** The end of its log, for who has to say why a test failed. */
  lastWords() {
    if (!existsSync(this.log)) return 'it never wrote a word';
    const lines = readFileSync(this.log, 'utf8').split('\n');
    return lines
      .filter((line) => !line.includes('Aborted connection'))
      .slice(-40)
      .join('\n');
  }

  /** Has it look for a group that is there, not wait for the one that it was in when it ended. */
  forgetGroup() {
    rmSync(join(this.#data, 'gvwstate.dat'), { force: true });
  }

  /** The number of the last write that it has; it must have ended. */
  async position() {
    const [option = ':-1'] = await this.#recovered();
    return Number(option.slice(option.lastIndexOf(':') + 1));
  }

  /** Where a killed server was, so that it is sent only what it lacks. */
  async #recovered() {
    const log = join(this.#parts.directory, 'recover.log');
    rmSync(log, { force: true });
    const [file, args] = this.#inside([...this.#options, ...this.#cluster, '--wsrep-recover', `--log-error=${log}`]);
    await sh(file, args, { env: this.#environment }).catch(() => undefined);
    const position = /Recovered position: *([0-9a-f-]+:-?\d+)/.exec(existsSync(log) ? readFileSync(log, 'utf8') : '')?.[1];
    return position === undefined ? [] : [`--wsrep-start-position=${position}`];
  }

  /** The node that begins the cluster is known to be the last that ended: there was no other. */
  #mayBegin() {
    const file = join(this.#data, 'grastate.dat');
    if (existsSync(file)) writeFileSync(file, readFileSync(file, 'utf8').replace('safe_to_bootstrap: 0', 'safe_to_bootstrap: 1'));
  }

  #inside(args) {
    const server = findProgram(['mariadbd']);
    // With us dead by whatever means, it dies too.
    return ['ip', ['netns', 'exec', this.#parts.namespace, 'setpriv', '--pdeathsig', 'KILL', server, ...args]];
  }

  get #environment() {
    return { ...process.env, PATH: `${this.#parts.programs}${delimiter}${process.env.PATH}`, GALERA_WORDS: this.#parts.words };
  }

  get #data() {
    return join(this.#parts.directory, 'data');
  }

  get #socket() {
    return join(this.#parts.directory, 'server.sock');
  }

  get #options() {
    const { directory, index, keepsLogs, settings } = this.#parts;
    const logs = keepsLogs
      ? ['--log-bin=binlog', '--log-slave-updates=ON', `--server-id=${index + 1}`, '--sync-binlog=1']
      : ['--skip-log-bin'];
    return [
      ...['--no-defaults', `--datadir=${this.#data}`, `--tmpdir=${join(directory, 'tmp')}`, `--socket=${this.#socket}`],
      ...[`--pid-file=${join(directory, 'server.pid')}`, `--port=${PORT}`, '--bind-address=0.0.0.0', '--skip-name-resolve'],
      ...['--binlog-format=ROW', '--innodb-autoinc-lock-mode=2', '--innodb-flush-log-at-trx-commit=1', '--performance-schema=OFF'],
      ...['--innodb-buffer-pool-size=64M', '--loose-innodb-log-file-size=48M', ...logs, ...user(), ...settings],
    ];
  }

  get #cluster() {
    const { members, groupAddress, index } = this.#parts;
    const provider = [
      ...[`gmcast.listen_addr=tcp://${groupAddress}:4567`, `ist.recv_addr=${groupAddress}:4568`, 'gcache.size=256M'],
      // Seconds rather than many: a node that is gone is to be seen as gone within a test.
      ...['evs.keepalive_period=PT0.5S', 'evs.suspect_timeout=PT2S', 'evs.inactive_timeout=PT5S', 'evs.install_timeout=PT5S'],
    ];
    return [
      ...['--wsrep-on=ON', `--wsrep-provider=${providerFile()}`, '--wsrep-cluster-name=billing', `--wsrep-node-name=node-${index}`],
      ...[`--wsrep-cluster-address=gcomm://${members.join(',')}`, `--wsrep-node-address=${groupAddress}`, '--wsrep-slave-threads=2'],
      // A node on which a change of a table fails alone has to go, not to go on without it.
      '--wsrep-ignore-apply-errors=0',
      ...['--wsrep-sst-method=cold', `--wsrep-sst-receive-address=${groupAddress}:4444`, `--wsrep-provider-options=${provider.join(';')}`],
    ];
  }

  #outer(from) {
    return `${from === 'group' ? 'g' : 'c'}${this.#parts.label}.${this.#parts.index}`;
  }
}

/**
 * What a node is started with so that its clock is off by so much, as `+20s`; time passes for it as for all.
 * @param {string} by
 */
export function clockOff(by) {
  return { LD_PRELOAD: LIBFAKETIME.find((file) => existsSync(file)), FAKETIME: by, DONT_FAKE_MONOTONIC: '1' };
}

/** Whether this machine lets us make namespaces and bridges, which `ip` is needed for. */
export function canMakeNetworks() {
  const [ip, name] = [findProgram(['ip']), `${PREFIX}${process.pid}t`];
  if (ip === null) return true;
  const did = (...args) => spawnSync(ip, args, { stdio: 'ignore' }).status === 0;
  const canDo = did('netns', 'add', name) && did('link', 'add', name, 'type', 'bridge');
  did('link', 'del', name);
  did('netns', 'del', name);
  return canDo;
}

/** Two networks that no cluster of another process has. */
async function freeNetworks() {
  const { stdout } = await sh('ip', ['-4', '-o', 'addr']);
  const pairs = Array.from({ length: PAIRS }, (_, index) => (process.pid + index) % PAIRS);
  const pair = pairs.find((each) => !stdout.includes(` 10.77.${2 * each + 1}.254/`));
  if (pair === undefined) throw new Error('Every network for clusters is in use.');
  return { groupNet: `10.77.${2 * pair}`, clientNet: `10.77.${2 * pair + 1}` };
}

/** What tells the networks of a cluster from those of others: this process, and a number that nothing there has. */
async function freeLabel() {
  const [{ stdout: links }, { stdout: namespaces }] = [await sh('ip', ['-br', 'link']), await sh('ip', ['netns', 'list'])];
  const taken = new Set([...`${links}\n${namespaces}`.matchAll(new RegExp(`${process.pid}x(\\d+)`, 'g'))].map(([label]) => label));
  for (let number = 0; ; number += 1) if (!taken.has(`${process.pid}x${number}`)) return `${process.pid}x${number}`;
}

/** @param {string} label */
function networksOf(label) {
  return { tag: `${PREFIX}${label}`, group: `g${label}`, clients: `c${label}` };
}

/** Removes what runs left behind that were killed. */
async function sweep() {
  const { stdout } = await sh('ip', ['netns', 'list']);
  const left = [...stdout.matchAll(new RegExp(`^${PREFIX}((\\d+)x\\d+)n`, 'gm'))].filter(([, , pid]) => !isAlive(Number(pid)));
  for (const label of new Set(left.map(([, label]) => label))) await remove(networksOf(label));
}

async function remove({ tag, group, clients }) {
  const { stdout } = await sh('ip', ['netns', 'list']);
  for (const [, name] of stdout.matchAll(new RegExp(`^(${tag}n\\d+)`, 'gm'))) await sh('ip', ['netns', 'del', name]).catch(() => undefined);
  for (const bridge of [group, clients]) await sh('ip', ['link', 'del', bridge]).catch(() => undefined);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function providerFile() {
  return GALERA_LIBRARIES.find((file) => existsSync(file));
}

function user() {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

function findProgram(names) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'].filter(Boolean);
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find((file) => existsSync(file)) ?? null;
}
