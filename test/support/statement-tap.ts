import type { Database } from '../../src/platform/db/database.js';
import { SHARED_TABLES } from '../../src/platform/db/tenancy.check.js';
import { appsNamedIn, type NamedApps } from './tenant-sql.js';

/** Statements over several apps, each with its reason. Whatever is not here must say of which app it is. */
const ACROSS_APPS: readonly (readonly [RegExp, string])[] = [
  [
    /^select priority, app_id, count\(\*\) as counted, min\(due_at\) as oldest from billing_jobs where due_at <= \S.* group by priority, app_id order by priority, oldest$/,
    'a worker looks which apps have work that is due',
  ],
  [
    /^select app_id, id from billing_webhooks where unqueued_since is not null( and app_id not in \([?, ]+\))? order by unqueued_since, app_id, id limit \d+$/,
    'a worker queues what arrived first, of all apps',
  ],
  [
    /^select app_id from billing_app_events where unpublished_since is not null( and app_id not in \([?, ]+\))? order by unpublished_since, app_id, id limit \d+$/,
    'a worker publishes what was written first, of all apps',
  ],
  [
    /^update billing_jobs set (due_at = \S.* where state = '(due|running)' and due_at|sent_at = \S.* where sent_at) > \S.*$/,
    'the clock by which the work of all apps waits was set back',
  ],
  [/^select [^()]* from billing_api_keys where hash = \? /, 'which app a credential belongs to is what is being asked'],
  [/^select app_id, id from \(.*\) as broken limit \d+$/, 'the invariants are checked over the books of all apps'],
];

/** Code that works for operators or for the deployment, over all apps, each with its reason. */
const WORKS_FOR_ALL: readonly (readonly [RegExp, string])[] = [
  [/\/src\/backoffice\/gauges\/operational-counts\.ts/, 'what stands in the books of all apps, for metrics'],
  [/\/src\/backoffice\/reconciliation\/open-divergences\.ts/, 'open divergences of all apps, for metrics'],
  [
    /\/src\/access\/(api-key|secrets)\.service\.ts/,
    'which app a credential belongs to; keys and secrets of all apps, for the command line',
  ],
  [/\/src\/deliveries\/delivery\.metrics\.ts/, 'how far deliveries of all apps are behind, for metrics'],
  [/\/src\/platform\/jobs\/(job-administration|count-jobs)\.ts/, 'work of all apps, for operators'],
  [/\/src\/platform\/limits\//, 'limits are counted before a scope is made, by app and by address'],
  [/\/src\/platform\/db\/tenancy\.check\.ts/, 'the catalogue of the database has no rows of ours'],
  [/\/src\/backup\//, 'backups are of the deployment'],
  [/\/src\/platform\/db\/replicas\/heartbeat\.ts/, 'the beat of the primary is a row of no app'],
  [/\/src\/platform\/db\/readiness\.ts/, 'whether the database takes writes is tried with one that is of no app and matches no row'],
];

/** Statements about the database itself: its tables are made by migrations, and its catalogue has no rows of ours. */
const ABOUT_THE_DATABASE = /^(create|alter|drop|set|show|pragma|begin|commit|rollback|savepoint|release|explain)\b/i;

/** A statement that does not say of which one app it is. */
export interface Unconfined {
  readonly sql: string;
  readonly why: string;
  readonly from: string;
}

/**
 * Listens to every statement a gateway sends, and keeps those that read or write a tenant's table without naming exactly
 * one app. Statements that a test itself sends are its own business.
 */
export class StatementTap {
  readonly unconfined: Unconfined[] = [];
  private readonly known = new Map<string, NamedApps>();

  static on(database: Database): StatementTap {
    const tap = new StatementTap();
    database.listen((sql, parameters) => tap.hear(sql, parameters));
    return tap;
  }

  /** Throws if a statement was heard that could reach another app's rows. */
  assertConfined(): void {
    const [first] = this.unconfined;
    if (first === undefined) return;
    throw new Error(
      `${this.unconfined.length} statements are not confined to one app, the first ${first.from}:\n${first.why}\n${first.sql}`,
    );
  }

  private hear(sql: string, parameters: readonly unknown[]): void {
    const why = this.judge(sql, parameters);
    if (why === null) return;
    const from = callerOutsideOfDatabase();
    if (!/\/test\//.test(from) && !WORKS_FOR_ALL.some(([place]) => place.test(from))) this.unconfined.push({ sql, why, from });
  }

  /** Why a statement is not confined to one app; null if it is, or need not be. */
  judge(sql: string, parameters: readonly unknown[]): string | null {
    const line = sql.replace(/\s+/g, ' ').trim();
    if (ABOUT_THE_DATABASE.test(line) || ACROSS_APPS.some(([pattern]) => pattern.test(line))) return null;
    const named = this.known.get(sql) ?? appsNamedIn(line, isTenantTable);
    this.known.set(sql, named);
    if (named.why !== null) return named.why;
    const apps = new Set(named.places.map((place) => parameters[place]));
    const isOne = apps.size === 0 || (apps.size === 1 && [...apps].every((app) => typeof app === 'string' && app !== ''));
    return isOne ? null : `It names ${JSON.stringify([...apps])} as its apps.`;
  }
}

const isTenantTable = (table: string): boolean => table.startsWith('billing_') && !(table in SHARED_TABLES);

/** The frame that called the database: of the code that made the statement. */
function callerOutsideOfDatabase(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  return (
    frames
      .find((frame) => !/statement-tap|\/db\/(database|lost-race|outage|replicas\/stale-reads)|\(?<anonymous>|node:internal/.test(frame))
      ?.trim() ?? 'from an unknown place'
  );
}
