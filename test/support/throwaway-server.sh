#!/bin/sh
# Runs a private MariaDB/MySQL for exactly as long as standard input stays open, then removes its directory.
#
# Standard input is a pipe held by test/run.mjs. It closes however that process ends, SIGKILL included, so the server cannot
# outlive the tests. Whoever calls this puts it into a session of its own, so that Ctrl-C does not reach it first.
#
# usage: throwaway-server.sh DIRECTORY PORT SERVER [INSTALLER]
#   DIRECTORY  exists, holds init.sql, belongs to this run alone; it is removed at the end with all that lies in it
#   SERVER     path of mariadbd or mysqld
#   INSTALLER  path of mariadb-install-db; without one, MySQL's server makes its own data directory
# Standard error gets nothing, or the end of the server's log if it could not start or broke down.
set -u
directory=$1 port=$2 server=$3 installer=${4:-} running=''
log="$directory/server.log"

# From here on 3 is the pipe and 4 is our standard error; what we start holds neither.
exec 3<&0 4>&2 </dev/null >"$log" 2>&1
trap 'if [ -n "$running" ]; then kill -9 "$running"; fi; rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM

# No configuration file, nothing outside DIRECTORY. Commits are synced as in production; what would only protect data that we
# throw away is off. `loose-` lets MariaDB and MySQL skip each other's names.
set -- --no-defaults --datadir="$directory/data" --tmpdir="$directory" --skip-log-bin \
  --innodb-flush-log-at-trx-commit=1 --innodb-doublewrite=0 --innodb-buffer-pool-size=128M \
  --loose-innodb-log-file-size=16M --loose-innodb-redo-log-capacity=16M
if [ "$(id -u)" = 0 ]; then set -- "$@" --user=root; fi

if [ -n "$installer" ]; then
  "$installer" "$@" --auth-root-authentication-method=normal --skip-test-db 3<&- 4>&-
else
  "$server" "$@" --initialize-insecure 3<&- 4>&-
fi || { tail -n 30 "$log" >&4; exit 1; }

"$server" "$@" --init-file="$directory/init.sql" --bind-address=127.0.0.1 --port="$port" --skip-name-resolve \
  --socket="$directory/server.sock" --pid-file="$directory/server.pid" --loose-mysqlx=OFF --performance-schema=OFF \
  --character-set-server=utf8mb4 --max-connections=200 3<&- 4>&- &
running=$!

# When the pipe closes: SIGTERM, and SIGKILL if that took more than ten seconds. Nothing in there is worth waiting for.
{
  cat <&3 >/dev/null
  kill "$running"
  for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1; done
  kill -9 "$running"
} 4>&- &
watching=$!

wait "$running" || tail -n 30 "$log" >&4
running=''
kill "$watching"
