#!/usr/bin/env bash
# stripe 23.1.0: an empty list is not sent, so that what should be cleared stays, and the call succeeds.
#
# One would guess: subscriptions.update(id, { default_tax_rates: [] }) takes the tax rates away; an array is what the type asks for.
# What happens: the request has no body at all. Only an empty text, which the type also allows, is sent and clears. In a list of items the
# emptied tax_rates of an item vanish the same way beside its other fields.
# Why billing cares: a customer who became exempt goes on being taxed, and nothing says so. (A server of our own shows what is sent.)
#
# Seen on 2026-11-30 with Node 20.20: "[] -> nothing; empty text -> default_tax_rates=; item -> items[0][id]=si_1&items[0][quantity]=2".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund stripe@23.1.0 >> npm.log

cat > run.mjs <<'PROGRAM'
import { createServer } from 'node:http';
import { once } from 'node:events';
import Stripe from 'stripe';

const bodies = [];
const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  bodies.push(decodeURIComponent(body));
  response.setHeader('content-type', 'application/json');
  response.end('{"id":"sub_1","object":"subscription"}');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const stripe = new Stripe('sk_test_nobody', { host: '127.0.0.1', port: server.address().port, protocol: 'http' });
await stripe.subscriptions.update('sub_1', { default_tax_rates: [] });
await stripe.subscriptions.update('sub_1', { default_tax_rates: '' });
await stripe.subscriptions.update('sub_1', { items: [{ id: 'si_1', quantity: 2, tax_rates: [] }] });
server.close();
const [list, text, item] = bodies;
console.log(`[] -> ${list || 'nothing'}; empty text -> ${text}; item -> ${item}`);
PROGRAM

seen=$(node run.mjs)
expected='[] -> nothing; empty text -> default_tax_rates=; item -> items[0][id]=si_1&items[0][quantity]=2'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
