#!/usr/bin/env bash
# MariaDB 10.11.19 with Galera 26.4.23 and mysql2 3.24.4: wsrep_retry_autocommit repeats what query() sends, and not what execute() sends.
#
# One would guess: a single statement that loses to another node is repeated by its server (the default, once), however it was sent.
# What happens: only text is. The same upsert of one row through two nodes fails with error 1213 when it is a prepared statement.
# Why billing cares: counters and upserts that are "atomic on the server" are refused under load once a driver prepares them, which is otherwise only a matter of speed.
#
# Seen on 2026-11-30 with Node 20.20: "query: none of 600 failed; execute: some of 600 failed, all with 1213" (some: 259).
# Needs apt-get and the libraries that Debian 12's mariadb-server-core depends on; nothing is installed, all is unpacked in a folder.
set -euo pipefail

folder=$(mktemp -d)
trap '{ kill -9 $(jobs -p) && wait; } 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
for package in galera-4=26.4.23-0+deb12u1 mariadb-server-core=1:10.11.19-0+deb12u1 mariadb-client-core=1:10.11.19-0+deb12u1; do
  apt-get -qq download "$package" 2> apt.log
done
for package in *.deb; do dpkg -x "$package" .; done
npm init -y > npm.log
npm install --silent --no-audit --no-fund mysql2@3.24.4 >> npm.log

free() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'; }
ports=($(free) $(free)) groups=($(free) $(free)) increments=($(free) $(free)) copies=($(free) $(free))
[ "$(id -u)" = 0 ] && user=--user=root || user=

# Both nodes begin as copies of one directory, so a state transfer has nothing to copy: it only says from where to go on.
cat > usr/bin/wsrep_sst_cold <<'SCRIPT'
#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in --role) role=$2 ;; --address) address=$2 ;; --gtid) gtid=$2 ;; esac; shift; done
if [ "$role" = joiner ]; then
  echo "ready $address"
  until [ -s "$WORD" ]; do sleep 0.1; done
  cat "$WORD"
else
  echo continue
  echo "$gtid" > "$WORD.new" && mv "$WORD.new" "$WORD"
  echo "done $gtid"
fi
SCRIPT
chmod +x usr/bin/wsrep_sst_cold
export PATH="$folder/usr/bin:$PATH" WORD="$folder/word"

node_of() {
  local n=$1
  shift
  exec usr/sbin/mariadbd --no-defaults $user --datadir="$folder/data$n" --lc-messages-dir="$folder/usr/share/mysql" --bind-address=127.0.0.1 \
    --port="${ports[$n]}" --socket="$folder/s$n" --pid-file="$folder/p$n" --binlog-format=ROW --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=0 \
    --wsrep-on=ON --wsrep-provider="$folder/usr/lib/libgalera_smm.so" --wsrep-cluster-name=finding --wsrep-node-address=127.0.0.1 \
    --wsrep-cluster-address="gcomm://127.0.0.1:${groups[0]},127.0.0.1:${groups[1]}" --wsrep-sst-method=cold --wsrep-sst-receive-address="127.0.0.1:${copies[$n]}" \
    --wsrep-provider-options="gmcast.listen_addr=tcp://127.0.0.1:${groups[$n]};ist.recv_addr=127.0.0.1:${increments[$n]}" "$@" > "server$n.log" 2>&1
}
asked() { node --input-type=module -e "
  import mysql from 'mysql2/promise';
  for (let tries = 0; ; tries += 1) try {
    const c = await mysql.createConnection({ socketPath: '$1', user: 'root' });
    const [[row]] = await c.query(\"show status like 'wsrep_ready'\");
    if (row?.Value !== 'ON') throw new Error('not ready');
    for (const sql of process.argv.slice(1)) await c.query(sql);
    c.destroy();
    break;
  } catch (error) { if (tries > 300) throw error; await new Promise((again) => setTimeout(again, 100)); }" -- "${@:2}"; }

usr/bin/mariadb-install-db --no-defaults $user --datadir="$folder/data0" --basedir="$folder/usr" --auth-root-authentication-method=normal --skip-test-db > install.log 2>&1
node_of 0 --wsrep-new-cluster &
asked s0 'create database d' 'create table d.counters (id int primary key, n int not null)' "create user u@127.0.0.1 identified by 'p'" 'grant all on d.* to u@127.0.0.1'
kill $! && wait $! || true
cp -r data0 data1 && rm -f data1/galera.cache data1/gvwstate.dat
node_of 0 --wsrep-new-cluster &
asked s0
node_of 1 &
asked s1

cat > run.mjs <<'PROGRAM'
import mysql from 'mysql2/promise';

const nodes = await Promise.all(process.argv.slice(2).map((port) => mysql.createConnection({ host: '127.0.0.1', port: Number(port), user: 'u', password: 'p', database: 'd' })));
const upsert = 'insert into counters values (?, 1) on duplicate key update n = n + 1';
async function failures(how) {
  const codes = [];
  for (let id = 0; id < 300; id += 1)
    await Promise.all(nodes.map((node) => node[how](upsert, [id]).catch(({ errno }) => codes.push(errno))));
  return codes;
}
const [text, prepared] = [await failures('query'), await failures('execute')];
const some = (codes) => (codes.length === 0 ? 'none of 600 failed' : `some of 600 failed, all with ${[...new Set(codes)]}`);
console.error(`failed: query ${text.length}, execute ${prepared.length}`);
console.log(`query: ${some(text)}; execute: ${some(prepared)}`);
process.exit();
PROGRAM

seen=$(node run.mjs "${ports[@]}")
expected='query: none of 600 failed; execute: some of 600 failed, all with 1213'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
