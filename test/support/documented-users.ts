import { readFile } from 'node:fs/promises';
import path from 'node:path';
import mysql from 'mysql2/promise';

const GRANTS = path.resolve(import.meta.dirname, '../../ops/grants');
const PASSWORD = 'of-a-documented-user';

/** Who has a file of grants. */
export type Role = 'migrator' | 'service' | 'readonly' | 'backup';

/** Runs a file of ops/grants as it is, but for the names of users where others are wanted. */
export async function applyGrants(file: string, connection: mysql.Connection, nameOf = (role: string) => `billing_${role}`): Promise<void> {
  const text = (await readFile(path.join(GRANTS, file), 'utf8')).replaceAll(/^--.*$/gm, '');
  const statements = text.replaceAll(/\bTO billing_(\w+)/g, (_, role: string) => `TO ${nameOf(role)}`).split(';');
  for (const statement of statements.filter((sql) => sql.trim() !== '')) await connection.query(statement);
}

/**
 * Makes the users of ops/grants on a server of a test's own, in the order of docs/access.md: each has exactly the rights of its file.
 * `migrate` brings the schema forward as the first of them. Returns the address of the database as one of them.
 */
export async function makeDocumentedUsers(rootUrl: string, migrate: (url: string) => Promise<unknown>): Promise<(role: Role) => string> {
  const as = (role: Role) => rootUrl.replace(/\/\/.*@/, `//billing_${role}:${PASSWORD}@`);
  const root = await mysql.createConnection(rootUrl);
  try {
    for (const role of ['migrator', 'service', 'readonly', 'backup'])
      await root.query(`create user billing_${role} identified by '${PASSWORD}'`);
    await applyGrants('billing_migrator.sql', root);
    await migrate(as('migrator'));
    const migrator = await mysql.createConnection(as('migrator'));
    await applyGrants('views.sql', migrator);
    await migrator.end();
    for (const role of ['service', 'readonly', 'backup']) await applyGrants(`billing_${role}.sql`, root);
  } finally {
    await root.end();
  }
  return as;
}
