import { groupBy } from './records.mjs';

/** From a strike until so long after it things may be slow, ms. */
const AFTER_MS = 10_000;
/** A node that is back is still busy with what it missed, ms. */
const BACK_MS = 2_000;
const QUIET = 'all nodes there';
const LATER = 'a node away for longer, or coming back';

/**
 * Lines of a table: how long things took while all nodes were there, within ten seconds of a strike, and later, until the node was back.
 * @param {readonly { from: number, to: number }[]} spans ms
 * @param {readonly { what: string, from: number, to: number }[]} strikes
 */
export function timesTable(spans, strikes) {
  const groups = groupBy(spans, (span) => placeOf(span, strikes));
  const names = [QUIET, ...new Set(strikes.map(({ what }) => `${what}, the first 10 s`)), LATER].filter((name) => groups.has(name));
  const rows = names.map((name) => {
    const times = groups.get(name).map(({ from, to }) => to - from);
    return `| ${name} | ${times.length} | ${['0.5', '0.95', '0.99', '1'].map((share) => Math.ceil(at(times, Number(share)))).join(' | ')} |`;
  });
  return ['| ms | number | p50 | p95 | p99 | longest |', '|---|---|---|---|---|---|', ...rows];
}

function placeOf({ from, to }, strikes) {
  const meets = (begin, end) => from < end && to > begin;
  const fresh = strikes.find((strike) => meets(strike.from, strike.from + AFTER_MS));
  if (fresh !== undefined) return `${fresh.what}, the first 10 s`;
  return strikes.some((strike) => meets(strike.from, strike.to + BACK_MS)) ? LATER : QUIET;
}

function at(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** How often clients were told what, the most frequent first. */
export function toldTable(sent) {
  const counts = [...groupBy(sent, ({ said }) => said)].map(([said, all]) => [said, all.length]);
  return counts.sort(([, one], [, other]) => other - one).map(([said, count]) => `${count} × ${said}`);
}
