import { AppliedMigrations, LOG_TABLE } from './applied-migrations.js';
import type { Database, Unit } from './database.js';
import { readLiveSchema } from './live-schema.js';
import { MigrationLock } from './migration-lock.js';
import { type MigrationList, migrationNamed, runsBeside, until } from './migration-names.js';
import { type Migration, type Step, stepsDone } from './migration-steps.js';
import { MigrationStopped } from './migration-stopped.js';
import { StepRunner } from './step-runner.js';
import { lossesOf } from './way-back.js';

/** What a look at the database found before the gateway starts. */
export type SchemaState =
  /** `newer` are applied migrations of a newer release, beside which this build works. */
  | { readonly kind: 'ready'; readonly newer: readonly string[] }
  /** `begun` are those of the pending of which some steps are done: somebody is at them, or was killed at them. */
  | { readonly kind: 'behind'; readonly pending: readonly string[]; readonly begun: readonly string[] }
  /** Migrations of a newer release are applied beside which this build does not work. */
  | { readonly kind: 'ahead'; readonly by: readonly string[] }
  | { readonly kind: 'foreign'; readonly tables: readonly string[] };

/** How far to go, how long to wait for who is at it already, and who hears what is done. */
export interface MigrateOptions {
  /**
   * The last migration that will be applied, by its name or number. Without it all, or on the way back all but the
   * newest.
   */
  readonly to?: string | undefined;
  readonly waitMs?: number | undefined;
  readonly say?: (line: string) => void;
}

/** A migration that would run: its steps, of which `done` are done. A text is why there are none. */
export interface Planned {
  readonly name: string;
  readonly steps: readonly Step[] | string;
  readonly done: number;
  /** About how many rows a table of a server has, by its name. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** What work on the schema is done with, while nobody else does any. */
interface Hands {
  readonly runner: StepRunner;
  readonly applied: AppliedMigrations;
  readonly unit: Unit | undefined;
}

const WAIT_MS = 60_000;
const UNHEARD = (): void => undefined;

/** Brings a database to the newest schema or back, and tells how far it is. */
export class SchemaMigrator {
  constructor(
    private readonly database: Database,
    private readonly migrations: MigrationList,
  ) {}

  /** Applies what is missing, one process at a time; returns the names applied. What was begun goes on where it was. */
  async migrate(options: MigrateOptions = {}): Promise<string[]> {
    // Whose user may change no table can still ask for what is there.
    if ((await this.pending(options.to, await this.appliedNames())).length === 0) return [];
    return this.alone(options, async ({ runner, applied }) => {
      const names = await this.pending(options.to, await applied.names());
      for (const name of names) {
        options.say?.(name);
        await runner.run(name, this.named(name).steps);
        await applied.add(name);
      }
      return names;
    });
  }

  /**
   * Takes back the newest migration, or all after `to`; returns the names taken back. Throws MigrationStopped before
   * it does anything if one has no way back, if keys would not fit, or if data would be lost and `discardsData` does
   * not say so.
   */
  async goBack(options: MigrateOptions & { readonly discardsData?: boolean }): Promise<string[]> {
    return this.alone(options, async ({ runner, applied, unit }) => {
      const names = await this.toTakeBack(options.to, await applied.names());
      const steps = names.map((name) => [name, wayBackOf(name, this.named(name))] as const);
      await this.assertNothingLost(steps, options.discardsData ?? false, { runner, unit });
      for (const [name, back] of steps) {
        options.say?.(`${name}, back`);
        // Not applied any more from its first step on: who is killed on the way leaves one that was begun.
        await applied.remove(name);
        await runner.run(`${name} back`, back);
      }
      return names;
    });
  }

  /** What `migrate`, or `goBack`, would run. Changes nothing. */
  async plan({ to, isBack }: { readonly to?: string | undefined; readonly isBack: boolean }): Promise<Planned[]> {
    const applied = await this.appliedNames();
    const runner = new StepRunner(this.database, { before: async () => undefined, say: UNHEARD }, undefined);
    const names = isBack ? await this.toTakeBack(to, applied) : await this.pending(to, applied);
    const sizes = await this.sizes();
    return Promise.all(
      names.map(async (name) => {
        const { steps: forth, wayBack } = this.named(name);
        const steps = isBack ? wayBack : forth;
        return { name, steps, done: typeof steps === 'string' ? 0 : await runner.done(steps), sizes };
      }),
    );
  }

  /** How far the schema is. Writes nothing. */
  async inspect(): Promise<SchemaState> {
    const tables = await this.tables();
    const foreign = tables.filter((table) => !table.startsWith('billing_'));
    if (foreign.length > 0) return { kind: 'foreign', tables: foreign };
    const names = this.migrations.map(({ name }) => name);
    const applied = await this.appliedNames(tables);
    const newer = applied.filter((name) => !names.includes(name));
    const by = newer.filter((name) => !runsBeside(name, names));
    if (by.length > 0) return { kind: 'ahead', by };
    const pending = names.filter((name) => !applied.includes(name));
    if (pending.length === 0) return { kind: 'ready', newer };
    return { kind: 'behind', pending, begun: tables.length === 0 ? [] : await this.begun(pending) };
  }

  private async pending(to: string | undefined, applied: readonly string[]): Promise<string[]> {
    const names = this.migrations.map(({ name }) => name);
    return until(names, to).filter((name) => !applied.includes(name));
  }

  /** Newest first. One that was begun is taken back like one that is applied. */
  private async toTakeBack(to: string | undefined, applied: readonly string[]): Promise<string[]> {
    const names = this.migrations.map(({ name }) => name);
    const unknown = applied.filter((name) => !names.includes(name));
    if (unknown.length > 0) throw new MigrationStopped(`${unknown.join(', ')}: of a newer release, which has to take it back itself.`);
    const begun = await this.begun(names.filter((name) => !applied.includes(name)));
    const there = names.filter((name) => applied.includes(name) || begun.includes(name));
    return (to === undefined ? there.slice(-1) : there.filter((name) => !until(names, to).includes(name))).toReversed();
  }

  private async begun(pending: readonly string[]): Promise<string[]> {
    // One that was interrupted on the embedded database was rolled back.
    if (this.database.isEmbedded || pending.length === 0) return [];
    const schema = await readLiveSchema(this.database);
    return pending.filter((name) => stepsDone(this.named(name).steps, schema) > 0);
  }

  private async assertNothingLost(
    back: readonly (readonly [string, readonly Step[]])[],
    discardsData: boolean,
    { runner, unit }: Pick<Hands, 'runner' | 'unit'>,
  ): Promise<void> {
    for (const [name, steps] of back) {
      const { lost, impossible } = await lossesOf(this.database, steps.slice(await runner.done(steps)), unit);
      if (impossible.length > 0)
        throw new MigrationStopped(
          `${name} cannot be taken back: ${impossible.join('; ')}. Keep the schema and run the release before on it.`,
        );
      if (lost.length > 0 && !discardsData)
        throw new MigrationStopped(
          `Taking ${name} back would lose ${lost.join(', ')}. The release before runs on this schema as it is: keep it. If it must be, take a backup and repeat with --discard-data.`,
        );
    }
  }

  private named(name: string): Migration {
    return migrationNamed(this.migrations, name);
  }

  private async appliedNames(tables?: readonly string[]): Promise<string[]> {
    if (!(tables ?? (await this.tables())).includes(LOG_TABLE)) return [];
    return (await this.database.query(`select name from ${LOG_TABLE}`, [])).map((row) => String(row.name));
  }

  private async sizes(): Promise<ReadonlyMap<string, number>> {
    if (this.database.isEmbedded) return new Map();
    const sql = 'select table_name as name, table_rows as size from information_schema.tables where table_schema = database()';
    return new Map((await this.database.query(sql, [])).map((row) => [String(row.name), Number(row.size ?? 0)]));
  }

  private async tables(): Promise<string[]> {
    const sql = this.database.isEmbedded
      ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
      : "select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'";
    return (await this.database.query(sql, [])).map((row) => String(row.name));
  }

  /**
   * One process at a time: on a server by a lock that is waited for. The embedded database has one writer, and does
   * all or nothing.
   */
  private async alone<T>({ say = UNHEARD, waitMs = WAIT_MS }: MigrateOptions, work: (hands: Hands) => Promise<T>): Promise<T> {
    const { database } = this;
    if (database.isEmbedded)
      return database.transaction(async (unit) => {
        const runner = new StepRunner(database, { before: async () => undefined, say }, unit);
        return work({ runner, unit, applied: new AppliedMigrations(database, unit.getTransactionContext() ?? null) });
      });
    return new MigrationLock(database).hold({ waitMs, say }, (before) =>
      work({
        runner: new StepRunner(database, { before, say }, undefined),
        unit: undefined,
        applied: new AppliedMigrations(database, null),
      }),
    );
  }
}

function wayBackOf(name: string, { wayBack }: Migration): readonly Step[] {
  if (typeof wayBack === 'string') throw new MigrationStopped(`${name} has no way back: ${wayBack}`);
  return wayBack;
}
