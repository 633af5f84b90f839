import { Command, InvalidArgumentError } from 'commander';
import type { Foundation } from '../compose.js';
import type { Step } from '../platform/db/migration-steps.js';
import type { Planned } from '../platform/db/migrator.js';
import { DatabaseUnusable, missingRights, requireUsableServer, unreachable } from '../platform/db/prepare.js';
import { waysOf } from '../platform/db/step-runner.js';
import { say, type WithFoundation } from './kit.js';

interface Options {
  readonly to?: string;
  readonly down?: boolean;
  readonly plan?: boolean;
  readonly wait: number;
  readonly discardData?: boolean;
}

const WAIT_SECONDS = 60;
const NEEDS_A_PERSON = 78;
const MANY_ROWS = 100_000;

/** `billing migrate`: to the newest schema, to a named one, or back; or only what would be done. */
export function migrateCommand(withFoundation: WithFoundation): Command {
  return new Command('migrate')
    .description('Brings the database to the newest schema, one step after the other; what was interrupted goes on where it was.')
    .option('--to <migration>', 'go to this one only, forward or with --down back; its name or number')
    .option('--down', 'take back the newest migration, or with --to all after that one')
    .option('--plan', 'print the statements that would run, and run none')
    .option('--wait <seconds>', 'wait so long for a process that is migrating already', seconds, WAIT_SECONDS)
    .option('--discard-data', 'with --down: take back what holds data too, which is lost')
    .action((options: Options) => withFoundation((foundation) => runAsMigrator(foundation, options), { isUnprepared: true }));
}

/** As whoever DATABASE_URL_BILLING names; a user without the rights, mostly the service's, is told whose are needed. */
async function runAsMigrator(foundation: Foundation, options: Options): Promise<void> {
  await run(foundation, options).catch((error: unknown) => {
    throw missingRights(foundation.database, error);
  });
}

async function run(
  { database, migrator }: Foundation,
  { to, down = false, plan = false, wait, discardData = false }: Options,
): Promise<void> {
  const state = await migrator.inspect().catch((error: unknown) => {
    throw unreachable(database, error);
  });
  if (state.kind === 'foreign')
    throw new DatabaseUnusable(
      `This database holds tables that are not billing's (${state.tables.slice(0, 3).join(', ')}): billing needs one of its own.`,
      NEEDS_A_PERSON,
    );
  await requireUsableServer(database);
  if (plan) return printPlan(await migrator.plan({ to, isBack: down }), database.isEmbedded);
  const options = { to, waitMs: wait * 1_000, say };
  if (down) {
    const names = await migrator.goBack({ ...options, discardsData: discardData });
    return say(names.length === 0 ? 'There is nothing to take back.' : `Took back ${names.join(', ')}.`);
  }
  const applied = await migrator.migrate(options);
  const nothing = to === undefined ? 'The schema is up to date.' : `Nothing is left to apply up to ${to}; --down goes back.`;
  say(applied.length === 0 ? nothing : `Applied ${applied.join(', ')}.`);
}

function printPlan(planned: readonly Planned[], isEmbedded: boolean): void {
  if (planned.length === 0) say('There is nothing to do.');
  for (const { name, steps, done, sizes } of planned) {
    say(`-- ${name}`);
    if (typeof steps === 'string') say(`-- has no way back: ${steps}`);
    else
      for (const [at, step] of steps.entries())
        say(`${at < done ? '-- done: ' : ''}${isEmbedded ? step.sql : waysOf(step)[0]};${effort(step, sizes)}`);
  }
}

/** What is said of a step that goes over a large table. */
function effort({ effect }: Step, sizes: ReadonlyMap<string, number>): string {
  const rows = sizes.get(effect.table) ?? 0;
  const makesIndex = effect.on === 'index' && effect.key !== null;
  if (rows < MANY_ROWS || !(makesIndex || effect.on === 'rows')) return '';
  const onCluster = makesIndex ? '; a Galera cluster does nothing else meanwhile' : '';
  return ` -- goes over about ${rows} rows, and takes a while${onCluster}`;
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('Give a whole number of seconds.');
}
