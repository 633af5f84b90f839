import { Argument, Command } from 'commander';
import type { Inspected, Inspection } from '../backoffice/inspection/inspection.service.js';
import type { Gateway } from '../compose.js';
import { NotFound } from '../platform/errors.js';
import { onOneLine } from '../platform/text.js';
import { commandScope, jsonOption, type WithGateway } from './kit.js';

interface InspectOptions {
  readonly app?: string;
  readonly showPersonal?: true;
  readonly json?: true;
}

/** billing inspect: one object from all sides. */
export function inspectCommand(withGateway: WithGateway): Command {
  return new Command('inspect')
    .description('Shows our row, what Tilled says of it now, and everything that was written down about it. Status 1 if they differ.')
    .addArgument(new Argument('<noun>', 'what it is').choices(['customer', 'payment', 'subscription'] satisfies Inspected[]))
    .argument('<id>', "our id, Tilled's id, the app's external id or a reference")
    .option('--app <id>', 'the app it is of; each is looked through if absent')
    .option('--show-personal', 'shows names, addresses, metadata and last digits too')
    .addOption(jsonOption())
    .action((noun: Inspected, id: string, options: InspectOptions) =>
      withGateway(async (gateway) => {
        const found = await inspectIn(gateway, noun, id, options);
        process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : page(found));
        if (found.compared.some((one) => one.differs)) process.exitCode = 1;
      }),
    );
}

async function inspectIn(gateway: Gateway, noun: Inspected, id: string, options: InspectOptions): Promise<Inspection> {
  const appIds = options.app === undefined ? (await gateway.access.listApps()).map((app) => app.id) : [options.app];
  for (const appId of appIds) {
    try {
      return await gateway.inspection.inspect(await commandScope(gateway, appId), noun, id, options.showPersonal === true);
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
    }
  }
  throw new NotFound(noun, id);
}

function page({ app, noun, id, row, compared, related }: Inspection): string {
  const lines = [`${noun} ${id} of app ${app}`, ...Object.entries(row).map(([field, value]) => `  ${field.padEnd(24)}${text(value)}`)];
  lines.push('', "Ours beside Tilled's, now:");
  for (const { field, ours, theirs, differs } of compared)
    lines.push(`${differs ? '! ' : '  '}${field.padEnd(24)}${text(ours).padEnd(40)} ${text(theirs)}`);
  for (const [table, rows] of Object.entries(related)) {
    lines.push('', `${table.replace('billing_', '')} (${rows.length})`);
    for (const { app_id: _, ...one } of rows) lines.push(`  ${brief(one)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What says most of a row, on one line. */
function brief(row: Readonly<Record<string, unknown>>): string {
  const kept = Object.entries(row).filter(([, value]) => value !== null && typeof value !== 'object');
  return kept.map(([column, value]) => `${column}=${text(value)}`).join(' ');
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  return onOneLine(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
