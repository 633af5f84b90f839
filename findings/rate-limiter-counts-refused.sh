#!/usr/bin/env bash
# rate-limiter-flexible 11.4.0: requests that were refused use up a limit that is raised later.
#
# One would guess: a limit of 5 a minute lets 5 of 8 requests through, and once it is raised to 9, so do 4 of the next 4.
# What happens: refused requests are counted like admitted ones. After 5 admitted and 3 refused the count is 8, so of the next four one passes.
# Why billing cares: support raises the limit of a customer who is being refused, in the middle of the window. Those who were refused most get
# least of it, and the customer is told to wait although the new limit has room.
#
# Seen on 2026-11-30 with Node 20.20, store in memory: "5 of 8 at a limit of 5, 1 of 4 at 9, counted 12".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund rate-limiter-flexible@11.4.0 >> npm.log

cat > run.mjs <<'EOF'
import { RateLimiterMemory } from 'rate-limiter-flexible';

const limiter = new RateLimiterMemory({ points: 5, duration: 60 });
const admittedOf = async (requests) => {
  let admitted = 0;
  for (let sent = 0; sent < requests; sent += 1) admitted += await limiter.consume('shop').then(() => 1, () => 0);
  return admitted;
};
const before = await admittedOf(8);
limiter.points = 9;
const after = await admittedOf(4);
const { consumedPoints } = await limiter.get('shop');
console.log(`${before} of 8 at a limit of 5, ${after} of 4 at 9, counted ${consumedPoints}`);
EOF

seen=$(node run.mjs)
expected='5 of 8 at a limit of 5, 1 of 4 at 9, counted 12'
echo "seen:     $seen"
echo "expected: $expected"
[ "$seen" = "$expected" ]
