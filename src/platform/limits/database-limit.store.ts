import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { LRUCache } from 'lru-cache';
import { upTo } from '../brief-cache.js';
import type { Database } from '../db/database.js';
import { LimitCounter } from './limit-counter.entity.js';
import { type GrantedPoints, type LimitKey, type LimitRule, type LimitStore, leaseSize } from './limit-store.js';

/** A lease that lost this many races in a row was asked for by more processes than there are. */
const TRIES_MAX = 50;
const FORGET_EVERY_MS = 900_000;
const APPS_MAX = 10_000;

/**
 * Counts in the billing database. A lease reads the count and raises it only if it is still the same: no transaction,
 * no lock that is held, and no two processes are given the same points.
 */
export class DatabaseLimitStore implements LimitStore {
  /** When what is over was forgotten last, by app. */
  private readonly forgotten = new LRUCache<string, number>(upTo(APPS_MAX));

  constructor(private readonly database: Database) {}

  async lease(key: LimitKey, rule: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints> {
    await this.forgetOver(key.appId, nowMs);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const row = await this.find(key);
      const isRunning = row !== null && row.resetsAt.getTime() > nowMs;
      const used = isRunning ? row.used : 0;
      const resetsAt = isRunning ? row.resetsAt : new Date(nowMs + rule.windowMs);
      const granted = leaseSize(rule.max - used, isSingle);
      if (granted === 0) return { granted, used, resetsAt: resetsAt.getTime() };
      const next = { used: used + granted, resetsAt };
      if (row === null ? await this.insert(key, next) : await this.replace(key, row, next))
        return { granted, used: next.used, resetsAt: resetsAt.getTime() };
    }
    throw new Error(`The count of ${key.id} changed ${TRIES_MAX} times while it was being raised.`);
  }

  async read(key: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null> {
    const row = await this.find(key);
    return row !== null && row.resetsAt.getTime() > nowMs ? { used: row.used, resetsAt: row.resetsAt.getTime() } : null;
  }

  private async find({ appId, id }: LimitKey): Promise<LimitCounter | null> {
    const table = this.database.table(LimitCounter);
    const sql = `select ${table.selectList} from ${table.name} where app_id = ? and id = ?`;
    const [raw] = await this.database.query(sql, [appId, id]);
    return raw === undefined ? null : table.fromRaw(raw);
  }

  private async insert({ appId, id }: LimitKey, { used, resetsAt }: Pick<LimitCounter, 'used' | 'resetsAt'>): Promise<boolean> {
    const sql = 'insert into billing_limit_counters (app_id, id, used, resets_at) values (?, ?, ?, ?)';
    try {
      return (await this.database.run(sql, [appId, id, used, resetsAt])) === 1;
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return false;
      throw error;
    }
  }

  /** Whether the count was still the same, and is now the next one. */
  private async replace({ appId, id }: LimitKey, old: LimitCounter, next: Pick<LimitCounter, 'used' | 'resetsAt'>): Promise<boolean> {
    const sql = 'update billing_limit_counters set used = ?, resets_at = ? where app_id = ? and id = ? and used = ? and resets_at = ?';
    return (await this.database.run(sql, [next.used, next.resetsAt, appId, id, old.used, old.resetsAt])) === 1;
  }

  /** Addresses and customers come and go: what was counted for them goes with the window. */
  private async forgetOver(appId: string, nowMs: number): Promise<void> {
    if (nowMs - (this.forgotten.get(appId) ?? Number.NEGATIVE_INFINITY) < FORGET_EVERY_MS) return;
    this.forgotten.set(appId, nowMs);
    await this.database.run('delete from billing_limit_counters where app_id = ? and resets_at <= ?', [appId, new Date(nowMs)]);
  }
}
