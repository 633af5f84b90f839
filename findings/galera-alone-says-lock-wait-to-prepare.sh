#!/usr/bin/env bash
# MariaDB 10.11.19 with Galera 26.4.23 and mysql2 3.24.4: a node without a quorum tells prepared statements that a lock was waited for in vain.
#
# One would guess: with wsrep_sync_wait set, a node that is cut off refuses every statement with 1047 (it is not prepared for use), as it does query().
# What happens: execute(), whose PREPARE comes first, is answered 1205 (Lock wait timeout exceeded; try restarting transaction), within milliseconds. So is a SELECT without a table.
# Why billing cares: 1205 is what one tries again. Callers of a node that has nothing to say wait for as long as that is done, instead of going to another node.
#
# Seen on 2026-11-30 with Node 20.20: "query 1047, execute 1205 at once, select without a table 1205 at once".
# Needs apt-get and the libraries that Debian 12's mariadb-server-core depends on; nothing is installed, all is unpacked in a folder.
set -euo pipefail

folder=$(mktemp -d)
trap '{ kill -9 $(jobs -p) && wait; } 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
for package in galera-4=26.4.23-0+deb12u1 galera-arbitrator-4=26.4.23-0+deb12u1 mariadb-server-core=1:10.11.19-0+deb12u1 mariadb-client-core=1:10.11.19-0+deb12u1; do
  apt-get -qq download "$package" 2> apt.log
done
for package in *.deb; do dpkg -x "$package" .; done
npm init -y > npm.log
npm install --silent --no-audit --no-fund mysql2@3.24.4 >> npm.log

free() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'; }
port=$(free) group=$(free) ist=$(free) arbiter=$(free)
[ "$(id -u)" = 0 ] && user=--user=root || user=
common="--no-defaults --datadir=$folder/data $user"
usr/bin/mariadb-install-db $common --basedir="$folder/usr" --auth-root-authentication-method=normal --skip-test-db > install.log 2>&1
usr/sbin/mariadbd $common --lc-messages-dir="$folder/usr/share/mysql" --bind-address=127.0.0.1 --port="$port" --socket="$folder/s" \
  --binlog-format=ROW --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=0 \
  --wsrep-on=ON --wsrep-new-cluster --wsrep-provider="$folder/usr/lib/libgalera_smm.so" --wsrep-cluster-name=finding \
  --wsrep-cluster-address="gcomm://127.0.0.1:$group" --wsrep-node-address=127.0.0.1 --wsrep-sst-method=rsync \
  --wsrep-provider-options="gmcast.listen_addr=tcp://127.0.0.1:$group;ist.recv_addr=127.0.0.1:$ist;evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S" \
  > server.log 2>&1 &

cat > run.mjs <<'PROGRAM'
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';

const [port, group, arbiter] = process.argv.slice(2);
const admin = await until(() => mysql.createConnection({ socketPath: 's', user: 'root' }));
const said = async (name) => (await admin.query('show status like ?', [name]))[0][0].Value;
await until(async () => (await said('wsrep_ready')) === 'ON');
for (const sql of ['create database d', 'create table d.payments (id int primary key)', "create user u@127.0.0.1 identified by 'p'", 'grant all on d.* to u@127.0.0.1'])
  await admin.query(sql);

// An arbitrator is the second member: with it gone the node is one of two, and has no quorum.
const options = `gmcast.listen_addr=tcp://127.0.0.1:${arbiter}`;
const second = spawn('usr/bin/garbd', ['-a', `gcomm://127.0.0.1:${group}`, '-g', 'finding', '-o', options], { stdio: 'ignore' });
await until(async () => (await said('wsrep_cluster_size')) === '2');
const connection = await mysql.createConnection({ host: '127.0.0.1', port: Number(port), user: 'u', password: 'p', database: 'd' });
await connection.query('set session wsrep_sync_wait = 1');
second.kill('SIGKILL');
await until(async () => (await said('wsrep_ready')) === 'OFF');

async function answer(work) {
  const sentAt = performance.now();
  const errno = await work().then(() => 'done', (error) => error.errno);
  return errno === 1205 ? `${errno} ${performance.now() - sentAt < 500 ? 'at once' : 'after a wait'}` : errno;
}
const query = await answer(() => connection.query('select id from payments where id = 1'));
const execute = await answer(() => connection.execute('select id from payments where id = ?', [1]));
const alone = await answer(() => connection.query('select 1'));
console.log(`query ${query}, execute ${execute}, select without a table ${alone}`);
process.exit();

async function until(work) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const found = await work().catch(() => false);
    if (found) return found;
  }
  throw new Error(`Waited in vain for ${work}`);
}
PROGRAM

seen=$(node run.mjs "$port" "$group" "$arbiter")
expected='query 1047, execute 1205 at once, select without a table 1205 at once'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
