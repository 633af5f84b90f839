#!/usr/bin/env bash
# mt940js 1.3.5 and mt940-js 1.0.0: a bank line booked on the other side of New Year is dated a year off.
#
# One would guess: line :61:2601021231C19,00 of a bank statement (valued on 2 January 2026, entered on 31 December: SWIFT's field 61 gives the entry's
# month and day only) was entered on 2025-12-31, the day nearest to its value date, and :61:2512310102D7,00 on 2026-01-02.
# What happens: both take the year of the value date: 2026-12-31, a day that has not come, and 2025-01-02, a year ago. The sums are right, nothing warns.
# Why billing cares: entries are matched to payouts and closed into a fiscal year by the day they were booked. Those of New Year's week go to the wrong
# year's books, and a search of the days around a payout does not find them.
#
# Seen on 2026-11-30 with Node 20.20: "mt940js: 2026-12-31 2025-01-02; mt940-js: 2026-12-31 2025-01-02".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund mt940js@1.3.5 mt940-js@1.0.0 tslib@2.8.1 >> npm.log # mt940-js wants tslib and does not name it

cat > statement.940 <<'STATEMENT'
:20:STATEMENT
:25:DE89370400440532013000
:28C:1/1
:60F:C251231EUR100,00
:61:2601021231C19,00NTRFORDER-1001//BANK-1
:86:Order 1001
:61:2512310102D7,00NCHGFEE//BANK-2
:86:Fee
:62F:C260102EUR112,00
-
STATEMENT

cat > run.cjs <<'PROGRAM'
const { readFileSync } = require('node:fs');
const { Parser } = require('mt940js');
const { read } = require('mt940-js');

const file = readFileSync('statement.940');
const daysOf = (statements) => statements[0].transactions.map(({ entryDate }) => new Date(entryDate).toISOString().slice(0, 10)).join(' ');
read(file).then((others) => console.log(`mt940js: ${daysOf(new Parser().parse(String(file)))}; mt940-js: ${daysOf(others)}`));
PROGRAM

seen=$(node run.cjs)
expected='mt940js: 2026-12-31 2025-01-02; mt940-js: 2026-12-31 2025-01-02'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
