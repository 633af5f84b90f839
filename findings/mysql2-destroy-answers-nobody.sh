#!/usr/bin/env bash
# mysql2 3.24.4: connection.destroy() neither answers a COMMIT that is under way nor closes the socket.
#
# One would guess: after destroy() (as Node's sockets have it, and as "terminates immediately" sounds) what was asked fails, and the connection is gone.
# What happens: destroy() only says that no more is sent (a half-closed socket). A server that hangs keeps it open, and the callback of the statement is never called.
# Why billing cares: who gives a hanging server up after a while and awaits the COMMIT waits for ever, and its locks are held for as long as the server keeps the session.
#
# Seen on 2026-11-30 with Node 20.20: "after destroy: commit not answered in 3 s, socket open; after stream.destroy: commit answered, socket closed".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund mysql2@3.24.4 >> npm.log

cat > run.mjs <<'PROGRAM'
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2';

// A server that greets, and then hangs at every statement, as one whose machine swaps.
const server = mysql.createServer();
server.on('connection', (client) => {
  client.serverHandshake({ protocolVersion: 10, serverVersion: '8.0.0', connectionId: 1, statusFlags: 2, characterSet: 45, capabilityFlags: 0xffffff });
  client.on('query', () => undefined);
  client.stream.allowHalfOpen = true;
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server._server.address();

async function giveUp(how) {
  const connection = mysql.createConnection({ host: '127.0.0.1', port, user: 'u', password: '' });
  connection.on('error', () => undefined);
  await new Promise((resolve, reject) => connection.once('connect', resolve).once('error', reject));
  let isAnswered = false;
  connection.query('commit', () => {
    isAnswered = true;
  });
  await sleep(200);
  how(connection);
  await sleep(3_000);
  return `commit ${isAnswered ? 'answered' : 'not answered in 3 s'}, socket ${connection.stream.destroyed ? 'closed' : 'open'}`;
}
const destroyed = await giveUp((connection) => connection.destroy());
const cut = await giveUp((connection) => connection.stream.destroy(new Error('given up')));
console.log(`after destroy: ${destroyed}; after stream.destroy: ${cut}`);
process.exit();
PROGRAM

seen=$(node run.mjs 2> run.log)
expected='after destroy: commit not answered in 3 s, socket open; after stream.destroy: commit answered, socket closed'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
