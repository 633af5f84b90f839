import { Command } from 'commander';
import type { ReconciliationReport } from '../backoffice/reconciliation/reconciliation.run.js';
import type { Gateway } from '../compose.js';
import { InvalidInput } from '../platform/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { commandScopes, jsonOption, say, type WithGateway } from './kit.js';

interface ReconcileOptions {
  readonly app?: string;
  readonly object?: string;
  readonly canary?: true;
  readonly json?: true;
}

/** billing reconcile: whether our books and Tilled's say the same. */
export function reconcileCommand(withGateway: WithGateway): Command {
  return new Command('reconcile')
    .description('Compares everything with Tilled, records what differs and has it healed. A run that was stopped is continued.')
    .option('--app <id>', 'only this app; all if absent')
    .option('--object <id>', "only this object, by our id or Tilled's; needs --app; status 1 if it differs")
    .option('--canary', 'plants a harmless difference instead, and ends with status 1 unless it is found and healed')
    .addOption(jsonOption())
    .action((options: ReconcileOptions) =>
      withGateway((gateway) => reconcile(gateway, options), { howToGoOn: 'The same command goes on where it was.' }),
    );
}

async function reconcile(gateway: Gateway, options: ReconcileOptions): Promise<void> {
  if (options.object !== undefined && options.app === undefined)
    throw InvalidInput.because(['app'], '--object needs --app: ids are unique in an app only.');
  for (const scope of await commandScopes(gateway, options.app)) {
    if (options.object !== undefined) await object(gateway, scope, { id: options.object, isJson: options.json === true });
    else if (options.canary === true) await canary(gateway, scope, options.json === true);
    else await all(gateway, scope, options.json === true);
  }
}

async function object({ reconciliation }: Gateway, scope: Scope, { id, isJson }: { id: string; isJson: boolean }): Promise<void> {
  const { verdict, open, appId } = await reconciliation.object.examine(scope, id);
  const shown = open.map(({ id: divergenceId, class: found, fields }) => ({ id: divergenceId, class: found, fields }));
  if (isJson) say(JSON.stringify({ appId, object: id, verdict, open: shown }));
  else say(`${appId}: ${id} ${SENTENCES[verdict]}${shown.map((one) => `\n  ${one.id} ${one.class} ${one.fields.join(' ')}`).join('')}`);
  if (verdict === 'differs') process.exitCode = 1;
}

const SENTENCES = {
  equal: 'is the same here and at Tilled.',
  differs: 'differs.',
  busy: 'is just being changed: look again in five minutes.',
} as const;

async function canary({ reconciliation }: Gateway, scope: Scope, isJson: boolean): Promise<void> {
  const report = await reconciliation.canary.run(scope);
  if (isJson) say(JSON.stringify(report));
  else
    say(
      `${report.appId}: the planted difference was ${report.isFound ? 'found' : 'NOT found'} and ${report.isHealed ? 'healed' : 'NOT healed'}.`,
    );
  if (!report.isFound || !report.isHealed) process.exitCode = 1;
}

async function all({ reconciliation }: Gateway, scope: Scope, isJson: boolean): Promise<void> {
  const report = await reconciliation.run.runNow(scope);
  say(isJson ? JSON.stringify(report) : sentence(report));
}

function sentence({
  appId,
  looked,
  busy,
  found,
  healed,
  open,
  duplicates,
  timeToDetectMs: detect,
  timeToHealMs: heal,
}: ReconciliationReport): string {
  const times = (what: string, { count, p50, max }: typeof detect) => `${what} p50 ${seconds(p50)}, max ${seconds(max)} (${count})`;
  const looks = `${looked} objects looked at, ${busy} of them just being changed`;
  return `${appId}: ${looks}; ${found} differences found, ${healed} healed, ${open} open${duplicates === 0 ? '' : `, of which ${duplicates} twice at Tilled`}. In seven days: ${times('time to detect', detect)}; ${times('time to heal', heal)}.`;
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${Math.trunc(ms / 1_000)} s`;
}
