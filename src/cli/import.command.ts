import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Bar, Presets, SingleBar } from 'cli-progress';
import { Command } from 'commander';
import type { LineOutcome } from '../backoffice/imports/import.batch.js';
import type { ImportMapping } from '../backoffice/imports/import.mapping.js';
import type { ImportNoun } from '../backoffice/imports/import.nouns.js';
import type { ImportProgress, ImportResult, ImportSource } from '../backoffice/imports/import.service.js';
import type { ImportPlan } from '../backoffice/imports/import.validation.js';
import type { Gateway } from '../compose.js';
import { InvalidInput } from '../platform/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { Report } from './import-report.js';
import { commandScope, jsonOption, type WithGateway } from './kit.js';

interface ImportOptions {
  readonly app: string;
  readonly customers?: string;
  readonly paymentMethods?: string;
  readonly subscriptions?: string;
  readonly mapping?: string;
  readonly fromTilled?: true;
  readonly dryRun?: true;
  readonly skipInvalid?: true;
  readonly createSubscriptions?: true;
  readonly report?: string;
  readonly show: string;
  readonly rollback?: string;
  readonly verify?: string;
  readonly json?: true;
}

/** billing import: customers, payment methods and subscriptions from elsewhere. */
export function importCommand(withGateway: WithGateway): Command {
  return new Command('import')
    .description('Brings customers, tokenised payment methods and subscriptions in. Nothing is collected by it. See docs/import.md.')
    .requiredOption('--app <id>', 'the app they are for')
    .option('--customers <file>', '.csv, .jsonl or .ndjson')
    .option('--payment-methods <file>', 'payment methods, by their Tilled ids')
    .option('--subscriptions <file>', 'subscriptions, by their Tilled ids')
    .option('--mapping <file>', 'which column is which field (YAML or JSON)')
    .option('--from-tilled', "adopts what the app's Tilled account holds, instead of files")
    .option('--dry-run', 'writes nothing, and says what would be made')
    .option('--skip-invalid', 'imports the lines without problems even if others have some')
    .option('--create-subscriptions', 'makes subscriptions that have no Tilled id at Tilled; they must begin in the future')
    .option(
      '--report <file>',
      'where every problem is written, one JSON object a line; import-report.jsonl beside the first file if absent',
    )
    .option('--show <number>', 'how many problems are printed', '20')
    .option('--rollback <run>', 'takes back what a run made, as far as nothing was built on it')
    .option('--verify <run>', 'compares a run with its source and with Tilled')
    .addOption(jsonOption())
    .action((options: ImportOptions) =>
      withGateway(
        async (gateway) => {
          const scope = await commandScope(gateway, options.app);
          if (options.verify !== undefined) return verify(gateway, scope, options.verify, options);
          if (options.rollback !== undefined) return rollback(gateway, scope, options.rollback, options);
          return bringIn(gateway, scope, options);
        },
        { howToGoOn: 'The same command goes on where it was.' },
      ),
    );
}

/** Where the report goes: as told, else beside what is imported; nowhere where that is no file. */
function reportFile({ report, customers, paymentMethods, subscriptions }: ImportOptions): string | null {
  const first = customers ?? paymentMethods ?? subscriptions;
  return report ?? (first === undefined ? null : path.join(path.dirname(first), 'import-report.jsonl'));
}

async function bringIn(gateway: Gateway, scope: Scope, options: ImportOptions): Promise<void> {
  const report = await Report.open(reportFile(options), Number(options.show), options.json === true);
  try {
    const source = await sourceOf(gateway, scope, options, report);
    if (source !== null) await bringInFrom(gateway, scope, source, report, options);
  } finally {
    await report.close();
  }
}

/** Null when the files have problems that keep the import from beginning. */
async function sourceOf(gateway: Gateway, scope: Scope, options: ImportOptions, report: Report): Promise<ImportSource | null> {
  const files = { customers: options.customers, paymentMethods: options.paymentMethods, subscriptions: options.subscriptions };
  const named = Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined)) as ImportPlan['files'];
  const hasFiles = Object.keys(named).length > 0;
  if (options.fromTilled === hasFiles) throw InvalidInput.because([], 'What is to be imported? Give files, or --from-tilled.');
  if (options.fromTilled) return 'tilled';
  if (!hasFiles)
    throw InvalidInput.because([], 'What is to be imported? Give --customers, --payment-methods or --subscriptions, or --from-tilled.');
  for (const file of [...Object.values(named), ...(options.mapping === undefined ? [] : [options.mapping])]) {
    await access(file).catch(() => {
      throw InvalidInput.because(['file'], `${file} cannot be read.`);
    });
  }
  const mapping: ImportMapping =
    options.mapping === undefined ? {} : await gateway.imports.parseMapping(await readFile(options.mapping, 'utf8'));
  const plan: ImportPlan = { files: named, mapping, createsSubscriptions: options.createSubscriptions === true };
  const validation = await gateway.imports.service.validate(scope, plan, (problem) => report.add(problem));
  if (validation.problems === 0 || options.skipInvalid) return { plan, validation };
  const lines = Object.fromEntries(Object.entries(validation.totals).map(([noun, total]) => [noun, total.lines]));
  report.end({ run: null, lines, problems: validation.problems }, [
    `${validation.problems} problems; nothing was imported. ${report.whereAllIs}`,
  ]);
  process.exitCode = 1;
  return null;
}

async function bringInFrom(gateway: Gateway, scope: Scope, source: ImportSource, report: Report, options: ImportOptions): Promise<void> {
  const shown = new Shown();
  const listener = {
    progress: (progress: ImportProgress) => shown.progress(progress),
    trouble: (noun: ImportNoun, { row, reason }: LineOutcome) => report.add({ noun, line: row.line, key: row.key, problem: reason }),
  };
  const { service } = gateway.imports;
  let result: ImportResult;
  try {
    result = options.dryRun
      ? await service.rehearse(scope, source, listener)
      : await service.run(scope, source, listener, (runId) =>
          shown.say(`Run ${runId}. The same command goes on with it if it is cut off.`),
        );
  } finally {
    shown.end();
  }
  const problems = source === 'tilled' ? 0 : source.validation.problems;
  const failed = Object.values(result.counts).reduce((sum, counts) => sum + counts.failed, 0);
  const lines = Object.entries(result.counts).map(
    ([noun, { made, created, existing, skipped, failed: bad }]) =>
      `${noun.padEnd(15)} ${made} made, ${created} made at Tilled too, ${existing} there before, ${skipped} skipped, ${bad} failed`,
  );
  report.end({ run: result.runId, isResumed: result.isResumed, counts: result.counts, problems }, [
    options.dryRun ? 'Nothing was written. This would be:' : `Run ${result.runId}:`,
    ...lines,
    ...(failed + problems > 0 ? [`Not everything was imported. ${report.whereAllIs}`] : []),
  ]);
  if (failed + problems > 0) process.exitCode = 1;
}

async function rollback(gateway: Gateway, scope: Scope, runId: string, options: ImportOptions): Promise<void> {
  const report = await Report.open(reportFile(options), Number(options.show), options.json === true);
  try {
    const { rolledBack, stays, kept } = await gateway.imports.rollback.run(scope, runId, (found) => report.add(found));
    const gone = Object.entries(rolledBack).map(([noun, count]) => `${count} ${noun}`);
    report.end({ run: runId, rolledBack, stays, kept }, [
      `Rolled back ${gone.join(', ')}.`,
      ...(kept > 0 ? [`${kept} are kept, because a payment method that is let go of can never be attached again.`] : []),
      ...(stays > 0 ? [`${stays} stay, each for a reason. ${report.whereAllIs}`] : []),
    ]);
    if (stays > 0) process.exitCode = 1;
  } finally {
    await report.close();
  }
}

async function verify(gateway: Gateway, scope: Scope, runId: string, options: ImportOptions): Promise<void> {
  const checks = await gateway.imports.verification.run(scope, runId);
  const isOk = checks.every((check) => check.isOk);
  const lines = checks.map((check) => `${check.isOk ? 'ok    ' : 'FAILED'}  ${check.check}: ${check.detail}\n`);
  process.stdout.write(options.json ? `${JSON.stringify({ run: runId, isOk, checks })}\n` : lines.join(''));
  if (!isOk) process.exitCode = 1;
}

const SAY_EVERY_MS = 5_000;

/** How far an import is, on stderr: a bar on a terminal, else a line now and then. */
class Shown {
  private bar: Bar | null = null;
  private noun: ImportNoun | null = null;
  private saidAt = performance.now();

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  progress({ noun, done, total }: ImportProgress): void {
    if (process.stderr.isTTY && total !== null) {
      this.move(noun, done, total);
      return;
    }
    if (performance.now() - this.saidAt < SAY_EVERY_MS) return;
    this.saidAt = performance.now();
    this.say(`${noun}: ${done}${total === null ? '' : ` of ${total}`}`);
  }

  end(): void {
    this.bar?.stop();
  }

  private move(noun: ImportNoun, done: number, total: number): void {
    if (this.noun !== noun) {
      this.bar?.stop();
      this.bar = new SingleBar(
        { format: `${noun} {bar} {value} of {total}, {eta_formatted} left`, noTTYOutput: false },
        Presets.shades_classic,
      );
      this.bar.start(total, done);
      this.noun = noun;
    }
    this.bar?.update(done);
  }
}
