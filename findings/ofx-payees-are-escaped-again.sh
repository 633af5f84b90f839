#!/usr/bin/env bash
# node-ofx-parser 0.5.1: the ampersand of a payee, escaped in the file as OFX wants it, is escaped twice more instead of read.
#
# One would guess: <NAME>SMITH &amp; SONS is read as "SMITH & SONS", as ofx-js does.
# What happens: the name is "SMITH &amp;amp;amp; SONS". Files with a bare ampersand are mended by the same step, at the cost of the right ones.
# Why billing cares: bank lines are matched to customers by that name, and a payment of a company with an ampersand is never found.
#
# Seen on 2026-11-30 with Node 20.20: "node-ofx-parser: SMITH &amp;amp;amp; SONS; ofx-js: SMITH & SONS".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund node-ofx-parser@0.5.1 ofx-js@1.1.1 >> npm.log

cat > run.mjs <<'PROGRAM'
import { parse } from 'ofx-js';
import other from 'node-ofx-parser';

const line = '<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>20261105\n<TRNAMT>19.90\n<FITID>0001\n<NAME>SMITH &amp; SONS\n</STMTTRN>';
const file = `OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX>\n<BANKTRANLIST>\n${line}\n</BANKTRANLIST>\n</OFX>`;
const nameIn = (read) => read.OFX.BANKTRANLIST.STMTTRN.NAME;
console.log(`node-ofx-parser: ${nameIn(other.parse(file))}; ofx-js: ${nameIn(await parse(file))}`);
PROGRAM

seen=$(node run.mjs)
expected='node-ofx-parser: SMITH &amp;amp;amp; SONS; ofx-js: SMITH & SONS'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
