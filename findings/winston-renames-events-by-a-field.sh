#!/usr/bin/env bash
# winston 3.19.0: a field called message is not a field: it is put behind the name of the event. A field called level vanishes.
#
# One would guess: log.info("payment declined", { message, level }) writes both fields, or refuses them, beside the event of that name.
# What happens: the event is called "payment declined Insufficient funds", there is no field for the reason, and level is dropped.
# Why billing cares: processors call the reason of a decline "message". Alerts that count events by their name miss just those that have a reason.
#
# Seen on 2026-11-30 with Node 20.20: "payment declined Insufficient funds; info; [\"code\",\"level\",\"message\"]".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund winston@3.19.0 >> npm.log

cat > run.mjs <<'PROGRAM'
import { Writable } from 'node:stream';
import winston from 'winston';

let line = '';
const stream = new Writable({ write: (chunk, _encoding, done) => done(void (line += chunk)) });
const log = winston.createLogger({ format: winston.format.json(), transports: [new winston.transports.Stream({ stream })] });
log.info('payment declined', { code: 'insufficient_funds', message: 'Insufficient funds', level: 'gold' });
await new Promise((resolve) => setImmediate(resolve));
const written = JSON.parse(line);
console.log(`${written.message}; ${written.level}; ${JSON.stringify(Object.keys(written).sort())}`);
PROGRAM

seen=$(node run.mjs)
expected='payment declined Insufficient funds; info; ["code","level","message"]'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
