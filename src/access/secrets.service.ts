import type { Database } from '../platform/db/database.js';
import { DatabaseUnusable } from '../platform/db/prepare.js';
import type { Vault } from '../platform/vault.js';
import { placeOf, SEALED_COLUMNS, type SealedColumn } from './secret-places.js';

/** EX_CONFIG of sysexits.h. */
const NEEDS_A_PERSON = 78;

/** What a rotation did, and what it could not do. */
export interface Rotation {
  readonly resealed: number;
  /** Where a secret is that no configured key opens: table, column, app and row. */
  readonly unreadable: readonly string[];
  /** API keys whose hash the current key did not make, because they were not used since. */
  readonly staleKeys: number;
}

interface SealedText {
  readonly of: SealedColumn;
  readonly appId: string;
  readonly id: string;
  readonly text: string;
}

/** The sealed texts of every app: whether they can be read, and sealing them again with the current key. */
export class Secrets {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  /** Throws for a key that does not open what is there. Seals what earlier embedded releases left plain. */
  async prepare(): Promise<void> {
    if (this.database.isEmbedded && (await this.all()).some(({ text }) => !this.vault.isSealed(text))) await this.rotate();
    const closed = (await this.all()).filter(({ text }) => !this.vault.canOpen(text));
    if (closed.length === 0) return;
    const isPlain = closed.some(({ text }) => !this.vault.isSealed(text));
    throw new DatabaseUnusable(
      isPlain
        ? `The database holds ${closed.length} secrets that are not sealed. Run: billing secrets rotate`
        : `BILLING_ENCRYPTION_KEY does not open ${closed.length} secrets of this database: set the key they were sealed with, or that one as BILLING_ENCRYPTION_KEY_PREVIOUS.`,
      NEEDS_A_PERSON,
    );
  }

  /** Seals with the current key what another sealed. Repeatable, and safe beside gateways that know both. */
  async rotate(): Promise<Rotation> {
    const unreadable: string[] = [];
    let resealed = 0;
    for (const secret of await this.all()) {
      if (this.vault.isCurrent(secret.text)) continue;
      const plain = this.plainOf(secret);
      if (plain === null) unreadable.push(`${secret.of.table}.${secret.of.column} of ${secret.appId} ${secret.id}`);
      else resealed += await this.reseal(secret, plain);
    }
    return { resealed, unreadable, staleKeys: await this.countStaleKeys() };
  }

  private plainOf({ of, appId, id, text }: SealedText): string | null {
    if (!this.vault.isSealed(text)) return text;
    return this.vault.canOpen(text) ? this.vault.open(text, placeOf(of, appId, id)) : null;
  }

  private reseal({ of, appId, id, text }: SealedText, plain: string): Promise<number> {
    const sealed = this.vault.seal(plain, placeOf(of, appId, id));
    // What somebody changed meanwhile is theirs, and sealed already.
    const sql = `update ${of.table} set ${of.column} = ? where ${of.app} = ? and id = ? and ${of.column} = ?`;
    return this.database.run(sql, [sealed, appId, id, text]);
  }

  private async all(): Promise<SealedText[]> {
    const found: SealedText[] = [];
    for (const of of SEALED_COLUMNS) {
      const sql = `select ${of.app} as app, id, ${of.column} as text from ${of.table} where ${of.column} is not null and ${of.column} <> ''`;
      const rows = await this.database.query(sql, []);
      found.push(...rows.map((row) => ({ of, appId: String(row.app), id: String(row.id), text: String(row.text) })));
    }
    return found;
  }

  private async countStaleKeys(): Promise<number> {
    const sql = 'select count(*) as counted from billing_api_keys where revoked_at is null and (pepper_id is null or pepper_id <> ?)';
    const [row] = await this.database.query(sql, [this.vault.keyId]);
    return Number(row?.counted);
  }
}
