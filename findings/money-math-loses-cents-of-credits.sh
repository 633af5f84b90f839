#!/usr/bin/env bash
# money-math 2.6.3: shares and percentages of negative amounts are wrong by up to two cents, and can change their sign.
#
# One would guess: negative amounts like "-42.10" are amounts as its README says, and a percentage is rounded to the whole cent: 5 % of -0.10 is -0.01
# or 0.00, and -5.00 / 3.00 is -1.67 as 5.00 / 3.00 is 1.67.
# What happens: the quotient is cut towards zero and its remainder taken as a positive number, so nearly every negative result is rounded up, some of
# them twice: 5 % of -0.10 is 0.01, 19 % of -0.50 is -0.08 (exactly -0.095), -5.00 / 3.00 is -1.65.
# Why billing cares: tax and shares of credit notes are computed so. A credit of ten cents is charged a cent of tax, and an invoice and its full credit
# note do not cancel out.
#
# Seen on 2026-11-30 with Node 20.20: "percent: 0.01 0.01; 0.10 -0.08; div: 1.67 -1.65; mul: 0.63 -0.61".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund money-math@2.6.3 >> npm.log

cat > run.cjs <<'PROGRAM'
const { percent, div, mul } = require('money-math');

const both = (work, amount, other) => `${work(amount, other)} ${work(`-${amount}`, other)}`;
console.log(
  `percent: ${both(percent, '0.10', '5.00')}; ${both(percent, '0.50', '19.00')}; ` +
    `div: ${both(div, '5.00', '3.00')}; mul: ${both(mul, '1.25', '0.50')}`,
);
PROGRAM

seen=$(node run.cjs)
expected='percent: 0.01 0.01; 0.10 -0.08; div: 1.67 -1.65; mul: 0.63 -0.61'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
