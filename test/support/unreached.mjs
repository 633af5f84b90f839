/**
 * What the tests on a cluster reached, beside what there is: so a new table or mutation fails `npm run test:long` until one of the files
 * that run there writes it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema } from 'graphql';

const project = join(import.meta.dirname, '../..');

/** Tables that need not be written there, each with its reason. */
const NOT_WRITTEN = {
  billing_attestations: 'one row for each `billing preflight attest`, which nothing else writes',
  billing_backups: 'one row for each backup, which nothing else writes',
  billing_heartbeats: 'one row, written where there are replicas to judge',
};

/**
 * A sentence for each table that no world on a cluster wrote, and each mutation that none carried out.
 * @param {string} file lines of JSON (support/reached.ts)
 * @returns {string[]}
 */
export function unreached(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const worlds = lines.map((line) => /** @type {{ tables: string[], mutations: string[] }} */ (JSON.parse(line)));
  const written = new Set(worlds.flatMap(({ tables }) => tables));
  const done = new Set(worlds.flatMap(({ mutations }) => mutations));
  return [
    ...tables()
      .filter((table) => !written.has(table) && !(table in NOT_WRITTEN))
      .map((table) => `No test on the cluster writes ${table}.`),
    ...mutations()
      .filter((name) => !done.has(name))
      .map((name) => `No test on the cluster carries out ${name}.`),
  ];
}

function tables() {
  const schema = readFileSync(join(project, 'migrations/schema.sql'), 'utf8');
  return [...schema.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, name]) => String(name));
}

function mutations() {
  const schema = buildSchema(readFileSync(join(project, 'schema.graphql'), 'utf8'));
  return Object.keys(schema.getMutationType()?.getFields() ?? {});
}
