#!/usr/bin/env bash
# standardwebhooks 1.1.1: the bytes of a delivery are refused unless they are Node's own Buffer, and not as a bad delivery.
#
# One would guess: verify() takes the body as it came over the wire, which is what must be signed: new Uint8Array(await request.arrayBuffer()).
# What happens: only a string or an object whose class is called Buffer is taken. All else throws a plain Error, not the WebhookVerificationError
# that handlers answer 400 for.
# Why billing cares: edge runtimes have no Buffer. There a good delivery of "payment succeeded" is answered 500, is sent again for days, and the
# sender gives the endpoint up; whoever answers 400 to WebhookVerificationError alone does not see why.
#
# Seen on 2026-11-30 with Node 20.20: "string 1990; Buffer 1990; Uint8Array Error: Expected payload to be of type string or Buffer.".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund standardwebhooks@1.1.1 >> npm.log

cat > run.mjs <<'PROGRAM'
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
const [id, at, body] = ['ev_1', new Date(), JSON.stringify({ amountMinor: 1990 })];
const headers = {
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
  'webhook-signature': webhook.sign(id, at, body),
};
const said = [body, Buffer.from(body), new TextEncoder().encode(body)].map((payload) => {
  const kind = typeof payload === 'string' ? 'string' : payload.constructor.name;
  try {
    return `${kind} ${webhook.verify(payload, headers).amountMinor}`;
  } catch (error) {
    return `${kind} ${error.constructor.name}: ${error.message}`;
  }
});
console.log(said.join('; '));
PROGRAM

seen=$(node run.mjs)
expected='string 1990; Buffer 1990; Uint8Array Error: Expected payload to be of type string or Buffer.'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
