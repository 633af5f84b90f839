import { MIGRATIONS } from '../migrations/index.js';
import { AccessService } from './access/access.service.js';
import { LimitService } from './access/limit.service.js';
import { Secrets } from './access/secrets.service.js';
import { INTENT_KINDS } from './backoffice/open-intents/intent-kinds.js';
import { findViolations, type Violation } from './backoffice/reconciliation/invariants.js';
import { countOpenDivergences } from './backoffice/reconciliation/open-divergences.js';
import { reportBackups } from './backup/backup.metrics.js';
import { BackupRecords } from './backup/backup-records.js';
import { AUDITED, ENTITIES, TOLD } from './compose.entities.js';
import type { DatabaseConfig, EncryptionConfig, ReplicasConfig } from './config.js';
import { EventTrail } from './events/event.trail.js';
import { type Clock, Stopwatch, systemTicks, type Ticks } from './platform/clock.js';
import { Database } from './platform/db/database.js';
import { exposeHosts } from './platform/db/host-reports.js';
import { SchemaMigrator } from './platform/db/migrator.js';
import { watchedDatabase } from './platform/db/observer.js';
import { whyUnfit } from './platform/db/replicas/fitness.js';
import { exposeReplicas, staleReadsCounter } from './platform/db/replicas/replica.metrics.js';
import { Replicas } from './platform/db/replicas/replicas.js';
import { Ids } from './platform/ids.js';
import { JobAdministration, type OpenJobs } from './platform/jobs/job-administration.js';
import { LimitSettings } from './platform/limits/limit-settings.js';
import { countingLog, type Log } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { AuditTrail } from './platform/outbox/audit-trail.js';
import { Vault } from './platform/vault.js';
import { Attestations } from './preflight/attestations.js';

/** The database and who may use it: what the command line needs too. */
export interface Foundation {
  readonly database: Database;
  /** Servers for reads that may be a little old, which are not used before `start`; null where there are none. */
  readonly replicas: Replicas | null;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  /** Tells apps what becomes of their objects, once it knows the schema. */
  readonly eventTrail: EventTrail;
  readonly vault: Vault;
  readonly secrets: Secrets;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Limits that were set for apps and keys, and how they are set. */
  readonly limitSettings: LimitSettings;
  readonly limitService: LimitService;
  readonly backups: BackupRecords;
  /** What people and programs attested of this deployment. */
  readonly attestations: Attestations;
  readonly jobAdministration: JobAdministration;
  /** Mutations whose outcome is not certain yet, over all apps, for metrics and alerts. */
  readonly openIntents: () => Promise<OpenJobs>;
  /** Checks what must hold of the books. */
  readonly verifyBooks: () => Promise<{ readonly checked: number; readonly violations: readonly Violation[] }>;
  /** How many divergences are open in all apps, by class. */
  readonly openDivergences: () => ReturnType<typeof countOpenDivergences>;
}

/** What a process hands in. */
export interface Surroundings {
  readonly database: DatabaseConfig;
  /** Servers that follow that database, for reads that may be a little old; null or absent: there are none. */
  readonly replicas?: ReplicasConfig | null;
  readonly encryption: EncryptionConfig;
  readonly clock: Clock;
  /** By which apps do business: the local sandbox's, where that stands for Tilled; `clock` if absent. */
  readonly businessClock?: Clock;
  /** How long things take; the process's own if absent. */
  readonly ticks?: Ticks;
  /** Stands for the database's own time, in worlds whose time is moved by hand. */
  readonly databaseTime?: () => Date;
  readonly log: Log;
  /** How long a statement is waited for, ms; for ever if absent, as migrations and checks of the books need it. */
  readonly statementMsMax?: number;
  /** A statement that takes at least so long is logged, ms. */
  readonly slowQueryMs?: number;
}

const SLOW_QUERY_MS = 500;

/** Opens the database, without looking at what is in it. */
export async function composeFoundation(surroundings: Surroundings): Promise<Foundation> {
  const { database: config, encryption, clock, businessClock = clock, slowQueryMs = SLOW_QUERY_MS } = surroundings;
  const metrics = new Metrics();
  const log = countingLog(surroundings.log, metrics);
  const eventTrail = new EventTrail(TOLD);
  const database = await Database.open(config, ENTITIES, {
    subscribers: [new AuditTrail(AUDITED), eventTrail],
    time: surroundings.databaseTime ?? null,
    statementMsMax: surroundings.statementMsMax ?? null,
  });
  exposeHosts(metrics, database);
  database.observe(watchedDatabase(metrics, log, database.tableNames, slowQueryMs));
  const migrator = new SchemaMigrator(database, MIGRATIONS);
  const vault = new Vault(encryption);
  const replicas = composeReplicas(surroundings, { database, metrics, log });
  exposeReplicas(metrics, replicas);
  const access = new AccessService({ database, replicas, clock, businessClock, ids: new Ids(clock), log, metrics, vault });
  const limitSettings = new LimitSettings(database, clock);
  const limitService = new LimitService({ database, access, settings: limitSettings });
  const verifyBooks = () => findViolations(database);
  const secrets = new Secrets(database, vault);
  const openDivergences = () => countOpenDivergences((sql, parameters) => database.query(sql, parameters), database);
  const jobAdministration = new JobAdministration(database);
  const openIntents = () => jobAdministration.countOpen(INTENT_KINDS);
  const backups = new BackupRecords(database, new Ids(clock));
  const attestations = new Attestations(database, clock, new Ids(clock));
  reportBackups(metrics, backups);
  const watched = { backups, attestations, jobAdministration: jobAdministration, openIntents, verifyBooks, openDivergences };
  return { database, replicas, migrator, access, eventTrail, vault, secrets, log, metrics, limitSettings, limitService, ...watched };
}

function composeReplicas(
  { replicas: config = null, clock, ticks = systemTicks }: Surroundings,
  { database, metrics, log }: Pick<Foundation, 'database' | 'metrics' | 'log'>,
): Replicas | null {
  const reads = staleReadsCounter(metrics);
  if (config === null) return null;
  const startStopwatch = () => new Stopwatch(clock, ticks);
  const names = MIGRATIONS.map(({ name }) => name);
  const fitness = (query: Parameters<typeof whyUnfit>[0]) => whyUnfit(query, names);
  return new Replicas({ config, database, clock, startStopwatch, log, reads, whyUnfit: fitness });
}
