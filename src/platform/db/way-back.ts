import type { Database, Unit } from './database.js';
import type { Step } from './migration-steps.js';

/** What taking migrations back does to data, in sentences. */
export interface Losses {
  /** Rows and values that would be gone. */
  readonly lost: readonly string[];
  /** What the data does not allow: keys that it would break. */
  readonly impossible: readonly string[];
}

/** Looks what is held by what these steps take away, and whether the keys that they make fit. Changes nothing. */
export async function lossesOf(database: Database, steps: readonly Step[], unit?: Unit): Promise<Losses> {
  const count = async (sql: string) => Number((await database.query(sql, [], unit))[0]?.found ?? 0);
  const lost: string[] = [];
  const impossible: string[] = [];
  for (const { effect } of steps) {
    const { table } = effect;
    if (effect.on === 'table' && !effect.isThere) {
      const rows = await count(`select count(*) as found from ${table}`);
      if (rows > 0) lost.push(`${table} with its ${rows} rows`);
    } else if (effect.on === 'column' && !effect.isThere) {
      const rows = await count(`select count(*) as found from ${table} where ${effect.column} is not null`);
      if (rows > 0) lost.push(`${table}.${effect.column} of ${rows} rows`);
    } else if (effect.on === 'index' && effect.key?.isUnique === true) {
      const { columns } = effect.key;
      const filled = columns.map((column) => `${column} is not null`).join(' and ');
      const twice = `select 1 from ${table} where ${filled} group by ${columns.join(', ')} having count(*) > 1`;
      const keys = await count(`select count(*) as found from (${twice}) repeated`);
      if (keys > 0) impossible.push(`${keys} values of ${table} (${columns.join(', ')}) are on several rows, and would have to be unique`);
    }
  }
  return { lost, impossible };
}
