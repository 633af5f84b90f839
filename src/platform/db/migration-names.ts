import type { Migration } from './migration-steps.js';
import { MigrationStopped } from './migration-stopped.js';

/** Migrations by name, oldest first. */
export type MigrationList = { readonly name: string; readonly class: new () => { migration(): Migration } }[];

/**
 * Whether a build that knows the migrations `known` works beside one of a newer release. One that takes something away
 * says in its name whom it suits: `0031-old-columns.needs-0025` suits builds that know 0025, and no older ones. All
 * others only add.
 */
export function runsBeside(name: string, known: readonly string[]): boolean {
  const needed = /\.needs-(\d{4})$/.exec(name)?.[1];
  return needed === undefined || known.some((one) => one.slice(0, needed.length) >= needed);
}

/**
 * Those up to the one that `to` names, in full or by its number; all without `to`. Throws MigrationStopped where there
 * is no such one.
 */
export function until(names: readonly string[], to: string | undefined): readonly string[] {
  if (to === undefined) return names;
  const at = names.findIndex((name) => name === to || name.startsWith(`${to}-`));
  if (at < 0) throw new MigrationStopped(`There is no migration ${to}. The newest is ${names.at(-1)}.`);
  return names.slice(0, at + 1);
}

/** The migration of that name, which is one of the list's. */
export function migrationNamed(migrations: MigrationList, name: string): Migration {
  const found = migrations.find((one) => one.name === name);
  if (found === undefined) throw new MigrationStopped(`There is no migration ${name}.`);
  return new found.class().migration();
}
