import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import { errorFields, type Log } from '../platform/log.js';
import type { Fingerprint } from '../platform/vault.js';
import type { ApiKey } from './api-key.entity.js';

interface KeyUsageParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** At most one write a key in this time, whatever the number of processes, ms. */
const NOTED_EVERY_MS = 60_000;
/** Keys of which is remembered when they were noted last. Forgetting them costs a statement that changes nothing. */
const REMEMBERED_MAX = 10_000;

/** When keys were used last, written beside the requests. A lost write is made up for by the next use. */
export class KeyUsage {
  private readonly notedAt = new Map<string, number>();

  constructor(private readonly parts: KeyUsageParts) {}

  /** Notes that a key was used now. A hash that an earlier encryption key made is replaced by today's on the way. */
  note(key: ApiKey, print: Fingerprint): void {
    const now = this.parts.clock.now();
    const stored = key.pepperId === print.keyId ? (key.lastUsedAt?.getTime() ?? 0) : 0;
    if (now.getTime() - (this.notedAt.get(key.id) ?? stored) < NOTED_EVERY_MS) return;
    if (this.notedAt.size >= REMEMBERED_MAX) this.notedAt.clear();
    this.notedAt.set(key.id, now.getTime());
    this.write(key, print, now).catch((error: unknown) =>
      this.parts.log.warn('last use of a key not noted', { keyId: key.id, ...errorFields(error) }),
    );
  }

  private async write(key: ApiKey, print: Fingerprint, now: Date): Promise<void> {
    const since = new Date(now.getTime() - NOTED_EVERY_MS);
    const used = 'update billing_api_keys set last_used_at = ? where app_id = ? and id = ? and (last_used_at is null or last_used_at <= ?)';
    await this.parts.database.run(used, [now, key.appId, key.id, since]);
    if (key.pepperId === print.keyId) return;
    const hashed = 'update billing_api_keys set hash = ?, pepper_id = ? where app_id = ? and id = ? and hash = ?';
    await this.parts.database.run(hashed, [print.hash, print.keyId, key.appId, key.id, key.hash]);
  }
}
