import type { MigrationList } from '../src/platform/db/migrator.js';
import { Migration0001Core } from './0001-core.js';
import { Migration0002Webhooks } from './0002-webhooks.js';
import { Migration0007Operations } from './0007-operations.js';

/** Every migration, oldest first. Names are stored in the database and never change. */
export const MIGRATIONS: MigrationList = [
  { name: '0001-core', class: Migration0001Core },
  { name: '0002-webhooks', class: Migration0002Webhooks },
  { name: '0007-operations', class: Migration0007Operations },
];
