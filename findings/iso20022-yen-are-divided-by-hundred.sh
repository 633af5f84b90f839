#!/usr/bin/env bash
# iso20022.js 0.0.15: every amount is divided by 100, also in yen (no minor unit) and in Kuwaiti dinar (three decimals).
#
# One would guess: the amount of a payment instruction, which has to be a whole number, is in the minor unit of its currency.
# What happens: it is in hundredths whatever the currency is. 1000 yen are written as 10; 1000 fils (1 dinar) as 10 dinar. Nothing warns.
# Why billing cares: payouts and refunds by file in yen are a hundredth of what is owed, in dinar ten times as much, and the file is valid.
#
# Seen on 2026-11-30 with Node 20.20: "USD 10, JPY 10, KWD 10".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund iso20022.js@0.0.15 >> npm.log

cat > run.mjs <<'PROGRAM'
import { ISO20022 } from 'iso20022.js';

const agent = { bic: 'CHASUS33', bankAddress: { country: 'US' } };
const payer = new ISO20022({ initiatingParty: { name: 'Payer', id: 'PAYER', account: { accountNumber: '123456789012' }, agent } });
const address = { streetName: 'Main St', townName: 'Town', postalCode: '12345', country: 'DE' };
const creditor = { name: 'Payee', account: { iban: 'DE89370400440532013000' }, agent: { bic: 'DEUTDEFF' }, address };
const written = ['USD', 'JPY', 'KWD'].map((currency) => {
  const file = payer.createSWIFTCreditPaymentInitiation([{ type: 'swift', direction: 'credit', amount: 1000, currency, creditor }]);
  return `${currency} ${/<InstdAmt[^>]*>([^<]*)/.exec(file.toString())[1]}`;
});
console.log(written.join(', '));
PROGRAM

seen=$(node run.mjs)
expected='USD 10, JPY 10, KWD 10'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
