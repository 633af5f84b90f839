import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Unit } from './database.js';
import { readLiveSchema } from './live-schema.js';
import { type Step, stepsDone } from './migration-steps.js';
import { isPassing } from './outage.js';
import { updateInPortions } from './portions.js';

/** Hears what is done: before a step (it may object by throwing), and a line for people after. */
export interface StepListener {
  readonly before: (doing: string) => Promise<void>;
  readonly say: (line: string) => void;
}

/** Bytes are compared as they are: 'abc' and 'ABC' are two references on every database, and ids are never folded. */
const MYSQL_TABLE = ' default character set utf8mb4 collate utf8mb4_bin engine = InnoDB';
/**
 * Who has to wait for a table lets those behind it pass after so long: they would wait too, and they are the traffic.
 */
const LOCK_WAIT_SECONDS = 2;
/** How long what passes by may take to pass, ms. */
const PATIENCE_MS = 10 * 60_000;
const PAUSE_MS = 1_000;
/** The server cannot change this table in the way that was asked for (1845, 1846), or not so often (4092). */
const CANNOT_SO: ReadonlySet<unknown> = new Set([1845, 1846, 4092, 4158]);

/**
 * Does the steps of one migration that are not done yet. On a server each is committed by itself, and the schema shows
 * how far they came, whoever did them; the embedded database does all in the transaction of `unit`.
 */
export class StepRunner {
  constructor(
    private readonly database: Database,
    private readonly listener: StepListener,
    private readonly unit: Unit | undefined,
  ) {}

  /** Throws what a statement fails of, if the step is not done all the same; what was done before stays done. */
  async run(name: string, steps: readonly Step[]): Promise<void> {
    const from = await this.done(steps);
    if (from > 0) this.listener.say(`  1 to ${from} of ${steps.length} are done already`);
    for (const [at, step] of steps.entries()) {
      if (at < from) continue;
      const where = `${at + 1}/${steps.length}`;
      const before = () => this.listener.before(`${name}, step ${where}`);
      await before();
      const startedAt = performance.now();
      const how = await this.once(steps, at, before);
      this.listener.say(`  ${where} ${inOneLine(step.sql)}  ${how}${Math.trunc(performance.now() - startedAt)} ms`);
    }
  }

  /** How many of the steps are done. */
  async done(steps: readonly Step[]): Promise<number> {
    // Its transaction leaves nothing half done, and reading its catalogue takes longer than the steps.
    return this.database.isEmbedded ? 0 : stepsDone(steps, await readLiveSchema(this.database));
  }

  /**
   * Somebody who was killed may have left a statement that is still running, and a connection that is lost does not say
   * what became of its statement. So whatever a step fails of, the schema is asked first. Meanwhile somebody else may
   * have taken the work over, so it is asked `before` each further try, too.
   */
  private async once(steps: readonly Step[], at: number, before: () => Promise<void>): Promise<string> {
    const step = steps[at] as Step;
    const until = performance.now() + PATIENCE_MS;
    for (let told = false; ; await sleep(PAUSE_MS)) {
      try {
        if (told) await before();
        return await this.send(step);
      } catch (error) {
        const mayPass = isPassing(error) && performance.now() < until;
        const done = await this.done(steps).catch(() => (mayPass ? at : Promise.reject(error)));
        if (done > at) return 'done by another connection, ';
        if (!mayPass) throw error;
        if (!told) this.listener.say(`  ${inOneLine(step.sql)}: tried again until it passes (${(error as Error).message})`);
        told = true;
      }
    }
  }

  private async send({ sql, effect }: Step): Promise<string> {
    if (this.database.isEmbedded) {
      await this.database.run(sql.replace(/^(drop index \w+) on \w+$/, '$1'), [], this.unit);
      return '';
    }
    if (effect.on === 'rows') {
      const rows = await updateInPortions(this.database, sql, (portion) => this.listener.before(portion));
      return `${rows} rows, `;
    }
    const ways = waysOf({ sql, effect });
    for (const [at, way] of ways.entries()) {
      try {
        await this.change(way);
        return at > 0 && at === ways.length - 1 ? 'who writes to the table had to wait, ' : '';
      } catch (error) {
        if (!cannotSo(error) || at === ways.length - 1) throw error;
      }
    }
    throw new Error(`There is no way to do this: ${sql}`);
  }

  /** One statement that changes a table, in a connection that does not wait for long for others. */
  private change(sql: string): Promise<void> {
    return this.database.statements(async (unit) => {
      await this.database.query(`set session lock_wait_timeout = ${LOCK_WAIT_SECONDS}`, [], unit);
      await this.database.run(sql, [], unit);
    });
  }
}

/** How a server is asked for a change: the way that keeps nobody waiting first, the one that always works last. */
export function waysOf({ sql, effect }: Step): string[] {
  if (effect.on === 'table' || effect.on === 'rows') return [effect.on === 'table' && effect.isThere ? sql + MYSQL_TABLE : sql];
  if (effect.on === 'index') {
    const { table, index, key } = effect;
    const change = key === null ? `drop index ${index}` : `add ${key.isUnique ? 'unique ' : ''}index ${index} (${key.columns.join(', ')})`;
    // As part of ALTER TABLE, because DROP INDEX takes no options on MariaDB.
    return [`alter table ${table} ${change}, algorithm=inplace, lock=none`, sql];
  }
  return [`${sql}, algorithm=instant`, `${sql}, algorithm=inplace, lock=none`, sql];
}

function cannotSo(error: unknown): boolean {
  return CANNOT_SO.has((error as { errno?: unknown }).errno);
}

const LINE_CHARS = 110;

/** A statement as a line of what is told: without what is between a table's parentheses. */
function inOneLine(sql: string): string {
  const line = sql.replaceAll(/\s+/g, ' ').replace(/^(create table \w+ \().*$/, '$1…)');
  return line.length <= LINE_CHARS ? line : `${line.slice(0, LINE_CHARS - 1)}…`;
}
