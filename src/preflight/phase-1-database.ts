import { schemaDrift } from '../platform/db/drift.js';
import { isOnThisMachine } from '../platform/db/prepare.js';
import { serverFaults } from '../platform/db/server.check.js';
import { attestedOnly, type Check, failed, notApplicable, ok, verdict } from './check.js';
import { readonlyFaults, serviceFaults } from './grants.js';
import type { PreflightParts } from './parts.js';

/** Phase 1, infrastructure: the database. */
export const DATABASE_CHECKS: readonly Check[] = [
  {
    id: 'database.separate',
    phase: 1,
    isAttestable: false,
    todo: 'Give billing a MySQL or MariaDB database of its own, with DATABASE_URL_BILLING, and run: billing migrate.',
    look: async ({ database, migrator }) => {
      if (database.isEmbedded) return failed('The embedded database is in use: a file, for trying things out.');
      const state = await migrator.inspect();
      if (state.kind === 'foreign') return failed(`Tables that are not billing's are in it: ${state.tables.slice(0, 3).join(', ')}.`);
      return ok("A server, and every table in the database is billing's.");
    },
  },
  {
    id: 'database.pool',
    phase: 1,
    isAttestable: false,
    todo: "Add ?connection_limit=10 (2 to 500) to DATABASE_URL_BILLING: the pool is billing's own.",
    look: async ({ database, settings }) => {
      if (database.isEmbedded) return failed('The embedded database has one connection and no pool.');
      const { max } = database.poolUse;
      return verdict(settings.hasPoolLimit, `A pool of its own, of ${max} connections.`, 'DATABASE_URL_BILLING has no connection_limit.');
    },
  },
  {
    id: 'database.migrated',
    phase: 1,
    isAttestable: false,
    todo: 'Run: billing migrate. Undo what was changed beside the migrations.',
    look: async ({ database, migrator }) => {
      const state = await migrator.inspect();
      if (state.kind === 'behind' && state.begun.length > 0) return failed(`Begun and not finished: ${state.begun.join(', ')}.`);
      if (state.kind === 'behind') return failed(`Not applied: ${state.pending.join(', ')}.`);
      if (state.kind === 'ahead') return failed(`Applied by a newer release that this one cannot run beside: ${state.by.join(', ')}.`);
      if (state.kind === 'foreign') return failed(`Foreign tables: ${state.tables.slice(0, 3).join(', ')}.`);
      // In the middle of an upgrade the schema is that of the next release, which this one cannot judge.
      if (state.newer.length > 0)
        return failed(`A newer release migrated it (${state.newer.join(', ')}): finish the upgrade, then look again.`);
      const found = await schemaDrift(database);
      return verdict(
        found.length === 0,
        'Every migration is applied, and tables and columns are as they made them.',
        found.slice(0, 5).join('; '),
      );
    },
  },
  {
    id: 'database.settings',
    phase: 1,
    isAttestable: false,
    todo: 'Set the server as each sentence says, and start it again.',
    look: async ({ database }) => {
      if (database.isEmbedded) return notApplicable('The embedded database has no settings of its own.');
      const { refusals } = await serverFaults(database);
      return verdict(refusals.length === 0, 'Every connection gets the session that the code relies on.', refusals.join(' '));
    },
  },
  {
    id: 'database.durable',
    phase: 1,
    isAttestable: true,
    todo: 'Set the server as each sentence says; or attest what else keeps what was confirmed when its machine loses power.',
    look: async ({ database }) => {
      if (database.isEmbedded) return notApplicable('The embedded database syncs every commit.');
      const { warnings } = await serverFaults(database);
      return verdict(warnings.length === 0, 'What was committed is on the disk.', warnings.join(' '));
    },
  },
  {
    id: 'database.grants',
    phase: 1,
    isAttestable: false,
    todo: 'Give the user of DATABASE_URL_BILLING the rights of ops/grants/billing_service.sql and no others; migrate with another user (docs/access.md).',
    look: async ({ database }) => {
      if (database.isEmbedded) return notApplicable('The embedded database knows no users.');
      const faults = await serviceFaults(database);
      const good = 'Tried as the service: it reads and writes; changing tables and other databases are denied.';
      return verdict(faults.length === 0, good, faults.join('; '));
    },
  },
  {
    id: 'database.readonly',
    phase: 1,
    isAttestable: true,
    todo: 'Apply views.sql and billing_readonly.sql of ops/grants, and set DATABASE_URL_BILLING_READONLY here; if nobody reads reports, attest that.',
    look: async ({ database, settings }) => {
      if (database.isEmbedded) return notApplicable('The embedded database knows no users.');
      if (settings.readonlyDatabase === null) return failed('DATABASE_URL_BILLING_READONLY is not set.');
      const faults = await readonlyFaults(settings.readonlyDatabase);
      return verdict(
        faults.length === 0,
        'Tried as that user: it reads the views for analytics, and tables and every write are denied.',
        faults.join('; '),
      );
    },
  },
  {
    id: 'database.tls',
    phase: 1,
    isAttestable: true,
    todo: 'Add ssl-mode=VERIFY_IDENTITY and ssl-ca=FILE to DATABASE_URL_BILLING; or attest how the network between is protected.',
    look: databaseTls,
  },
  attestedOnly(1, 'database.people', 'Let no developer reach the production database directly, and attest it.'),
];

async function databaseTls({ database }: PreflightParts) {
  if (database.isEmbedded) return notApplicable('The embedded database has no network.');
  if (database.config.tls === null && isOnThisMachine(database.config)) return notApplicable('The database is reached by loopback.');
  const [row] = await database.query("show session status like 'Ssl_cipher'", []);
  const cipher = String(row?.Value ?? '');
  if (cipher === '') return failed('The connection is not encrypted.');
  if (database.config.tls?.mode === 'REQUIRED') return failed(`Encrypted with ${cipher}, to whoever answers: the server is not verified.`);
  return ok(
    `Encrypted with ${cipher}; ${database.config.tls?.mode === 'VERIFY_CA' ? 'the authority' : 'the name'} of the server is verified.`,
  );
}
