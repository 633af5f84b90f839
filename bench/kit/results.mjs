import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plotOf } from './plot.mjs';

const directory = join(import.meta.dirname, '..');

/** What each ratio must reach, and which way. */
const GOALS = {
  readOneVsNaive: ['≥', 5],
  readOneVsFastPeer: ['≥', 0.9],
  readOneVsFloor: ['≥', 0.75],
  readListVsNaive: ['≥', 7],
  readListVsFastPeer: ['≥', 0.85],
  ingestVsOrm: ['≥', 5],
  ingestVsSingleInsert: ['≥', 2],
  ingestVsHmacOnly: ['≥', 0.8],
  ingestSteadyP95VsSingleInsert: ['≤', 1],
  ingestDeadlockShare: ['≤', 0.01],
  paymentCreateExtraMsP95: ['≤', 15],
  pageFirstOf1000000VsFirstOf1000: ['≤', 1.5],
  pageMiddleOf1000000VsFirstOf1000: ['≤', 1.5],
  pageLastOf1000000VsFirstOf1000: ['≤', 1.5],
  soakRssEndVsWarm: ['≤', 1.05],
};

/** Writes RESULTS.json, RESULTS.md and the plot; what this run did not measure keeps the figures of the run that did. */
export function keepResults({ rig, parts, startedAt }) {
  const known = readJson();
  const results = { rig, measuredAt: { ...known.measuredAt }, ratios: { ...known.ratios }, raw: { ...known.raw } };
  for (const [name, { raw, ratios }] of Object.entries(parts)) {
    results.measuredAt[name] = startedAt.toISOString();
    Object.assign(results.ratios, ratios);
    Object.assign(results.raw, raw);
  }
  writeFileSync(join(directory, 'RESULTS.json'), `${JSON.stringify(results, null, 2)}\n`);
  if (results.raw.sweep) writeFileSync(join(directory, 'latency.svg'), plotOf(results.raw.sweep));
  writeFileSync(join(directory, 'RESULTS.md'), markdownOf(results));
}

/** Ratios beside their goals, for people. */
export function tableOf(ratios) {
  const rows = Object.entries(ratios).map(([name, value]) => {
    const [sign, goal] = GOALS[name] ?? [];
    const isMet = sign === '≥' ? value >= goal : value <= goal;
    const verdict = sign === undefined ? '' : isMet ? 'met' : 'NOT MET';
    return `| ${name} | ${value.toFixed(value < 0.1 ? 4 : 2)} | ${sign === undefined ? '' : `${sign} ${goal}`} | ${verdict} |`;
  });
  return ['| Ratio | Measured | Goal | |', '|---|---|---|---|', ...rows].join('\n');
}

function markdownOf({ rig, measuredAt, ratios, raw }) {
  const sections = ['readOne', 'readList', 'ingest', 'ingestAt500']
    .filter((name) => raw[name])
    .map((name) => `## ${name}\n\n${roundsTable(raw[name])}`);
  const rest = ['redelivered', 'paymentCreate', 'growthMs', 'soak', 'scale', 'scaleOfWorkers']
    .filter((name) => raw[name])
    .map((name) => `## ${name}\n\n\`\`\`json\n${JSON.stringify(raw[name], null, 1)}\n\`\`\``);
  return `# Results of the last runs

Only ratios carry over to another machine: the contestants of a part took turns on one machine in one run, and each figure is the median of its rounds.
How to run it and what the contestants are: [README.md](README.md).

Rig: ${rig.cpu}, ${rig.memoryGb} GB, load before the run ${rig.loadBefore.toFixed(1)}; Node ${rig.node}; ${rig.database}; load: ${rig.load}.

Measured: ${Object.entries(measuredAt)
    .map(([name, at]) => `${name} ${at.slice(0, 16)}Z`)
    .join(', ')}.

${tableOf(ratios)}

${raw.sweep ? '![p95 against load](latency.svg)\n\n' : ''}${[...sections, ...rest].join('\n\n')}
`;
}

function roundsTable(contestants) {
  const rows = Object.entries(contestants).map(
    ([name, one]) =>
      `| ${name} | ${one.perSecond.toFixed(0)} | ${one.p50.toFixed(1)} | ${one.p95.toFixed(1)} | ${one.p99.toFixed(1)} | ${one.cpuMicros.toFixed(0)} | ${one.rssMb.toFixed(0)} | ${one.refused} |`,
  );
  return [
    '| | requests/s | p50 ms | p95 ms | p99 ms | server CPU µs/request | RSS MB | refused |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function readJson() {
  try {
    return JSON.parse(readFileSync(join(directory, 'RESULTS.json'), 'utf8'));
  } catch {
    return {};
  }
}
