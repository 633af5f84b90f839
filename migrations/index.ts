import type { MigrationList } from '../src/platform/db/migrator.js';
import { Migration0001Core } from './0001-core.js';

/** Every migration, oldest first. Names are stored in the database and never change. */
export const MIGRATIONS: MigrationList = [{ name: '0001-core', class: Migration0001Core }];
