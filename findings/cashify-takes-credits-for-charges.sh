#!/usr/bin/env bash
# cashify 4.0.0: an amount in brackets, as books and banks write what is negative, becomes a positive one.
#
# One would guess: "(5.00) USD" is -5.00, as "-5.00 USD" is, or it is refused.
# What happens: it is converted as +5.00; the brackets are dropped like any other sign it does not know.
# Why billing cares: credit notes and chargebacks in exported statements count as income, so a total is wrong by twice the amount.
#
# Seen on 2026-11-30 with Node 20.20: "-5.00 USD -> -5, (5.00) USD -> 5".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund cashify@4.0.0 >> npm.log

cat > run.mjs <<'PROGRAM'
import { convert } from 'cashify';

const rates = { USD: 1, EUR: 0.9 };
const read = (text) => `${text} -> ${convert(text, { from: 'USD', to: 'USD', base: 'USD', rates })}`;
console.log(`${read('-5.00 USD')}, ${read('(5.00) USD')}`);
PROGRAM

seen=$(node run.mjs)
expected='-5.00 USD -> -5, (5.00) USD -> 5'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
