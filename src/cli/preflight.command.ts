import { Command } from 'commander';
import type { Gateway } from '../compose.js';
import { type Config, readConfig, type TilledConfig } from '../config.js';
import { readPreflightConfig } from '../config.preflight.js';
import { readDemoEnvironment } from '../demo.js';
import { InvalidInput, NotFound } from '../platform/errors.js';
import { type TextKind, textFault } from '../platform/text.js';
import type { Attestation } from '../preflight/attestation.entity.js';
import type { Check, CheckResult } from '../preflight/check.js';
import type { PreflightParts } from '../preflight/parts.js';
import { type Report, reportOf, type SigningKey, verifiedReport } from '../preflight/report.js';
import { jsonOption, textOf, tilledOf, type WithFoundation, type WithGateway } from './kit.js';

const DAY_MS = 86_400_000;

interface PreflightOptions {
  readonly phase?: string;
  readonly url?: string;
  readonly rehearsal?: true;
  readonly json?: true;
}

/** billing preflight: whether this deployment may go live. */
export function preflightCommand(withGateway: WithGateway, withFoundation: WithFoundation): Command {
  const preflight = new Command('preflight')
    .description('Goes through the launch checklist: what is fulfilled, what was attested, what is missing. Status 0 if nothing is.')
    .option('--phase <number>', 'only this phase, 1 to 10')
    .option('--url <url>', 'where the world reaches the gateway; BILLING_PUBLIC_URL if absent')
    .option('--rehearsal', 'Tilled is a sandbox: leave out what cannot be true of one')
    .addOption(jsonOption())
    .action((options: PreflightOptions) => withGateway((gateway, config) => run(gateway, config, options), { isUnprepared: true }));
  preflight
    .command('attest')
    .description('Writes down that somebody vouches for checks that only people can answer.')
    .argument('<id...>', 'the checks, as billing preflight names them')
    .requiredOption('--by <name>', 'who vouches for it')
    .option('--note <text>', 'where the proof is')
    .option('--expires-days <days>', 'how long it counts; for good if absent')
    .action((ids: readonly string[], options: AttestOptions) => withFoundation((foundation) => attest(foundation, ids, options)));
  preflight
    .command('verify')
    .description('Whether a report of --json is signed by this deployment and unchanged. Status 0 if so.')
    .argument('<file>', 'the report')
    .action(verify);
  return preflight;
}

interface AttestOptions {
  readonly by: string;
  readonly note?: string;
  readonly expiresDays?: string;
}

async function run(gateway: Gateway, config: Config, options: PreflightOptions): Promise<void> {
  const phase = options.phase === undefined ? null : Number(options.phase);
  if (phase !== null && !(Number.isInteger(phase) && phase >= 1 && phase <= 10))
    throw InvalidInput.because(['phase'], '--phase is not a number from 1 to 10.');
  const parts = await partsOf(gateway, config, options);
  const { runPreflight } = await import('../preflight/preflight.js');
  const results = await runPreflight(parts, phase);
  const { publicUrl } = parts.settings;
  const facts = { madeAt: parts.now(), publicUrl, phase, isRehearsal: parts.isRehearsal };
  const [key] = keysOf(config, parts.tilled);
  if (key === undefined) throw new Error('There is no key to sign with.');
  const report = reportOf(results, facts, key);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : table(report));
  if (!report.isReady) process.exitCode = 1;
}

/** What checks look at, as the command line has it. */
export async function partsOf(
  gateway: Gateway,
  config: Config,
  options: { readonly url?: string; readonly rehearsal?: true },
): Promise<PreflightParts> {
  // The embedded default knows its own address.
  const { BILLING_URL: ownUrl } = await readDemoEnvironment(config);
  const { database, migrator, access, processor, attestations, verifyBooks, openDivergences } = gateway;
  const attested = await attestations.newest().catch(() => new Map<string, Attestation>());
  return {
    ...{ database, migrator, access, processor, attestations, verifyBooks, openDivergences, attested, config },
    listeners: gateway.webhooks.directory,
    settings: readPreflightConfig(process.env, process.cwd(), { url: options.url, ownUrl }),
    tilled: await tilledOf(config),
    isRehearsal: options.rehearsal === true,
    now: () => new Date(),
  };
}

function assertText(name: string, text: string, kind: TextKind): void {
  const fault = textFault(text.trim(), kind);
  if (fault !== null) throw InvalidInput.because([name], `--${name} ${fault}.`);
}

/** All of them, or none if one is not for people to vouch for. */
async function attest(
  { attestations }: Pick<Gateway, 'attestations'>,
  ids: readonly string[],
  { by, note, expiresDays }: AttestOptions,
): Promise<void> {
  const { CHECKS } = await import('../preflight/checks.js');
  for (const id of ids) assertAttestable(id, CHECKS);
  const days = expiresDays === undefined ? null : Number(expiresDays);
  if (days !== null && !(days > 0)) throw InvalidInput.because(['expiresDays'], '--expires-days is not a number of days.');
  const expiresAt = days === null ? null : new Date(Date.now() + days * DAY_MS);
  assertText('by', by, 'line');
  if (note !== undefined) assertText('note', note, 'paragraphs');
  for (const id of ids) {
    await attestations.add({ checkId: id, attestedBy: by.slice(0, 100), note: note?.slice(0, 1000) ?? null, expiresAt });
    process.stdout.write(`${id} is attested by ${by}${expiresAt === null ? '' : ` until ${expiresAt.toISOString()}`}.\n`);
  }
}

function assertAttestable(id: string, checks: readonly Check[]): void {
  const check = checks.find((one) => one.id === id);
  if (check === undefined) throw new NotFound('check', id, ['id']);
  if (!check.isAttestable) throw InvalidInput.because(['id'], `${id} is looked at by the program: nobody's word counts. ${check.todo}`);
}

async function verify(file: string): Promise<void> {
  const config = readConfig(process.env, process.cwd());
  const report = verifiedReport(await textOf(file), keysOf(config, await tilledOf(config)));
  if (report === null) {
    process.stdout.write('This is not an unchanged report that was signed with a key of this deployment.\n');
    process.exitCode = 1;
    return;
  }
  process.stdout.write(`Signed and unchanged: made ${report.madeAt}, ${report.isReady ? 'ready' : 'not ready'}.\n`);
}

/** The keys that may have signed, the one that signs now first. */
function keysOf({ encryption }: Config, tilled: TilledConfig): SigningKey[] {
  const own = [encryption?.key, encryption?.previous].filter((key) => key !== undefined && key !== null);
  const sealed = own.map((key) => ({ from: 'BILLING_ENCRYPTION_KEY' as const, secret: key.toString('base64') }));
  return [...sealed, { from: 'TILLED_SECRET_KEY', secret: tilled.secretKey }];
}

const SIGNS: Readonly<Record<CheckResult['status'], string>> = { ok: 'ok', attested: 'attested', not_applicable: 'n/a', failed: 'FAILED' };

function table({ checks, counts, isReady }: Report): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.flatMap(({ id, phase, status, evidence, todo }) => [
    `${String(phase).padStart(2)}  ${id.padEnd(width)}  ${SIGNS[status].padEnd(8)}  ${evidence}`,
    ...(todo === null ? [] : [`${' '.repeat(width + 16)}> ${todo}`]),
  ]);
  const { ok = 0, attested = 0, not_applicable: without = 0, failed = 0 } = counts;
  const sum = `${ok} ok, ${attested} attested, ${without} not applicable, ${failed} failed: ${isReady ? 'ready' : 'not ready'}.`;
  return `${lines.join('\n')}\n\n${sum}\n`;
}
