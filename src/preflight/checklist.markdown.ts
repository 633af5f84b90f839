import type { Check } from './check.js';
import { BEYOND, CHECKLIST, SUCCESS } from './checklist.js';
import { CHECKS } from './checks.js';

const PHASES: readonly string[] = [
  'Infrastructure',
  'Tilled',
  'Application',
  'Monitoring',
  'Data migration',
  'Security',
  'Operational readiness',
  'Final tests',
  'Launch',
  'First 48 hours',
];

/** docs/checklist.md: every checkbox, and what fulfils it. */
export function checklistMarkdown(): string {
  const phases = PHASES.map((name, index) => {
    const rows = CHECKLIST.filter(({ phase }) => phase === index + 1).map(
      ({ section, text, fulfilledBy }) => `| ${section} | ${text} | ${fulfilledBy.map(shown).join('<br>')} |`,
    );
    return [`## Phase ${index + 1}: ${name}`, '', '| | Checkbox | Fulfilled by |', '|---|---|---|', ...rows, ''].join('\n');
  });
  const success = SUCCESS.map(({ text, fulfilledBy }) => `| ${text} | ${fulfilledBy.map(shown).join('<br>')} |`);
  const beyond = Object.entries(BEYOND).map(([id, why]) => `- ${shown(id)}: ${why}`);
  return [
    '# The launch checklist, and what fulfils it',
    '',
    `Written by \`billing checklist\` from src/preflight/checklist.ts; a test compares. ${CHECKLIST.length} checkboxes, ${CHECKS.length} checks of \`billing preflight\`: \`looked at\` by the program,`,
    '`attested` by people with `billing preflight attest`, or looked at and attested where the program cannot see (`either`). See [preflight.md](preflight.md).',
    '',
    ...phases,
    '## Success',
    '',
    '| Criterion | Shown by |',
    '|---|---|',
    ...success,
    '',
    '## Beyond the checklist',
    '',
    ...beyond,
    '',
  ].join('\n');
}

function shown(what: string): string {
  if (what.includes('/') || what.endsWith('.md'))
    return `[${what}](${what.startsWith('docs/') ? what.slice('docs/'.length) : `../${what}`})`;
  const check = CHECKS.find(({ id }) => id === what);
  return `\`${what}\` ${check === undefined ? '' : manner(check)}`.trim();
}

function manner({ look, isAttestable }: Check): string {
  if (look === undefined) return 'attested';
  return isAttestable ? 'either' : 'looked at';
}
