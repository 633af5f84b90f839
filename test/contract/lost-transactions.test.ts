import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import type { Database, Unit } from '../../src/platform/db/database.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { openFoundation } from '../support/scratch-foundation.js';

/** A refusal of ours, which is not tried again. */
class Refused extends Error {}

let scratch: ScratchDatabase;
let opened: Awaited<ReturnType<typeof openFoundation>>;
let database: Database;

beforeAll(async () => {
  scratch = await createScratchDatabase();
  opened = await openFoundation(scratch.url);
  database = opened.database;
  await database.run('create table notes (id int primary key, said varchar(20))', []);
});
afterAll(async () => {
  await opened.close();
  await scratch.drop();
});

/** Both ways to a transaction: with the ORM, and without it. */
const WAYS = [
  ['of the ORM', <T>(work: (unit: Unit) => Promise<T>) => database.transaction(work)],
  ['of prepared statements', <T>(work: (unit: Unit) => Promise<T>) => database.statements(work)],
] as const;

describe.each(WAYS)('a transaction %s', (_, transaction) => {
  it('has nothing done that its work still asks for when it is over', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const failed = transaction(async (unit) => {
      late = ended.then(() => write(1, unit));
      throw new Refused();
    });
    await expect(failed).rejects.toThrow(Refused);
    end();
    await expect(late).rejects.toThrow();
    const done = await transaction(async (unit) => {
      late = new Promise((resolve) => setTimeout(resolve, 50)).then(() => write(2, unit));
      return 'done';
    });
    expect(done).toBe('done');
    await expect(late).rejects.toThrow();
    expect(await notes()).toEqual([]);
  });

  if (globalThis.TEST_DATABASE === 'mysql')
    it('has nothing done of what was asked for beside the statement in which it was lost', async () => {
      const [first, second] = [11, 12];
      await database.run("insert into notes values (?, ''), (?, '')", [first, second]);
      const stranger = await mysql.createConnection(scratch.url);
      // The server gives up who wrote less.
      await stranger.query('begin');
      await stranger.query(`insert into notes values ${Array.from({ length: 50 }, (__, at) => `(${100 + at}, '')`).join(', ')}`);
      await stranger.query('update notes set said = ? where id = ?', ['stranger', second]);
      let [tries, waiting] = [0, Promise.resolve<unknown>(null)];
      const lost = transaction(async (unit) => {
        tries += 1;
        if (tries > 1) throw new Refused();
        await database.run('update notes set said = ? where id = ?', ['ours', first], unit);
        waiting = stranger.query('update notes set said = ? where id = ?', ['stranger', first]);
        await Promise.all([
          database.run('update notes set said = ? where id = ?', ['ours', second], unit),
          write(3, unit),
          database.query('select * from notes', [], unit).then(() => write(4, unit)),
        ]);
      });
      await expect(lost).rejects.toThrow(Refused);
      await waiting;
      await stranger.query('rollback');
      await stranger.end();
      expect(tries).toBe(2);
      expect(await notes()).toEqual([first, second]);
      await database.run('delete from notes', []);
    });
});

async function write(id: number, unit: Unit): Promise<void> {
  await database.run("insert into notes values (?, 'late')", [id], unit);
}

async function notes(): Promise<number[]> {
  return (await database.query('select id from notes order by id', [])).map(({ id }) => Number(id));
}
