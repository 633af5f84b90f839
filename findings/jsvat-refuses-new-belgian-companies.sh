#!/usr/bin/env bash
# jsvat 2.5.4: the VAT number of a Belgian company registered since the enterprise numbers beginning with 0 ran out is not valid.
#
# One would guess: BE1000000120 (first digit 0 or 1, check digits 97 - 10000001 mod 97 = 20) is as valid as BE0776091951; stdnum and validator say so.
# What happens: checkVAT knows only the first digit 0: isValid is false.
# Why billing cares: reverse charge hangs on a valid VAT number. The new company is charged a tax that it does not owe, or cannot be saved at all.
#
# Seen on 2026-11-30 with Node 20.20: "jsvat: true false; stdnum: true true; validator: true true".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund jsvat@2.5.4 stdnum@1.12.0 validator@13.15.35 >> npm.log

cat > run.cjs <<'PROGRAM'
const { checkVAT, belgium } = require('jsvat');
const { stdnum } = require('stdnum');
const { isVAT } = require('validator');

const both = (isValid) => ['BE0776091951', 'BE1000000120'].map(isValid).join(' ');
console.log(
  `jsvat: ${both((number) => checkVAT(number, [belgium]).isValid)}; ` +
    `stdnum: ${both((number) => stdnum.BE.vat.validate(number).isValid)}; validator: ${both((number) => isVAT(number, 'BE'))}`,
);
PROGRAM

seen=$(node run.cjs)
expected='jsvat: true false; stdnum: true true; validator: true true'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
