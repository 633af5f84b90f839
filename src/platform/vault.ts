import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { EncryptionConfig } from '../config.js';

/** Where a secret is kept: its app, column and whatever else names its row. It opens only where it was sealed. */
export type SecretPlace = readonly string[];

/** A keyed hash, and which key made it. */
export interface Fingerprint {
  readonly hash: string;
  readonly keyId: string;
}

/** A sealed text cannot be opened: another key, another place, or changed bytes. Tells nothing of the text. */
export class SecretUnreadable extends Error {
  override readonly name = 'SecretUnreadable';
}

/** What one master key gives: one key a purpose, so that a hash and a sealed text never share one. */
interface Ring {
  readonly id: string;
  readonly column: Buffer;
  /** Every request hashes with it: a key made once, where bytes would be made a key each time. */
  readonly pepper: KeyObject;
}

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals what must be read again (AES-256-GCM) and hashes what must only be known again (HMAC-SHA-256), with keys
 * derived from BILLING_ENCRYPTION_KEY. What the key before it made is still understood while that is configured too.
 */
export class Vault {
  private readonly current: Ring;
  private readonly rings: ReadonlyMap<string, Ring>;

  constructor(config: EncryptionConfig) {
    this.current = ringOf(config.key);
    const all = [this.current, ...(config.previous === null ? [] : [ringOf(config.previous)])];
    this.rings = new Map(all.map((ring) => [ring.id, ring]));
  }

  /** The id of the key that seals now. */
  get keyId(): string {
    return this.current.id;
  }

  /** `v1.<key id>.<nonce>.<ciphertext and tag>`. */
  seal(text: string, place: SecretPlace): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.current.column, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(aadOf(place));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return [VERSION, this.current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
  }

  /** The text that was sealed at this place. Throws SecretUnreadable. */
  open(sealed: string, place: SecretPlace): string {
    const [, keyId = '', nonce = '', body = ''] = sealed.split('.');
    const ring = this.canOpen(sealed) ? this.rings.get(keyId) : undefined;
    if (ring === undefined) throw new SecretUnreadable(`A secret in ${place[1]} was sealed with a key that is not configured.`);
    const bytes = Buffer.from(body, 'base64url');
    const tagAt = bytes.length - TAG_BYTES;
    try {
      const decipher = createDecipheriv('aes-256-gcm', ring.column, Buffer.from(nonce, 'base64url'), { authTagLength: TAG_BYTES });
      decipher.setAAD(aadOf(place));
      decipher.setAuthTag(bytes.subarray(tagAt));
      return Buffer.concat([decipher.update(bytes.subarray(0, tagAt)), decipher.final()]).toString('utf8');
    } catch {
      throw new SecretUnreadable(`A secret in ${place[1]} was changed, or belongs to another row.`);
    }
  }

  /** Whether the text is sealed, with a key that is configured. */
  canOpen(sealed: string): boolean {
    const [version, keyId = '', ...rest] = sealed.split('.');
    return version === VERSION && rest.length === 2 && this.rings.has(keyId);
  }

  /** Whether the text is sealed at all. */
  isSealed(text: string): boolean {
    return text.startsWith(`${VERSION}.`) && text.split('.').length === 4;
  }

  /** Whether the key that seals now sealed it. */
  isCurrent(sealed: string): boolean {
    return this.isSealed(sealed) && sealed.split('.')[1] === this.current.id;
  }

  /** The keyed hashes under which a text may be stored, that of the current key first. */
  fingerprints(text: string): readonly [Fingerprint, ...Fingerprint[]] {
    const others = [...this.rings.values()].filter(({ id }) => id !== this.current.id);
    return [fingerprint(this.current, text), ...others.map((ring) => fingerprint(ring, text))];
  }
}

function ringOf(key: Buffer): Ring {
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `billing-gateway ${purpose}`, 32));
  const id = createHash('sha256').update(derived('key id')).digest('hex').slice(0, 8);
  return { id, column: derived('column encryption'), pepper: createSecretKey(derived('api key pepper')) };
}

function fingerprint(ring: Ring, text: string): Fingerprint {
  return { hash: createHmac('sha256', ring.pepper).update(text).digest('hex'), keyId: ring.id };
}

/** Unambiguous whatever the parts contain. */
function aadOf(place: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(place), 'utf8');
}
