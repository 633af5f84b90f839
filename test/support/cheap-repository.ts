import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A key file of restic's: the key of the repository, sealed with what scrypt makes of the password. */
interface KeyFile {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly data: string;
}

const CHEAP = { N: 2, r: 1, p: 1 };
const SCRYPT_BYTES_MAX = 256 * 1024 * 1024;
const BLOCK = 16;
const POLY1305_PRIME = 2n ** 130n - 5n;
const POLY1305_MASK = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/**
 * Seals the key of a new restic repository once more, with a scrypt that costs nothing. Restic tunes scrypt to half a second of
 * a processor, which each of its starts spends: nearly all that a test of backups would do.
 */
export async function makeCheap(repository: string, password: string): Promise<void> {
  const folder = path.join(repository, 'keys');
  const [name = ''] = await readdir(folder);
  const known = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as KeyFile;
  const sealed = {
    ...known,
    ...CHEAP,
    data: seal(unseal(known.data, secretOf(known, password)), secretOf({ ...known, ...CHEAP }, password)),
  };
  const text = JSON.stringify(sealed);
  await writeFile(path.join(folder, createHash('sha256').update(text).digest('hex')), text, { mode: 0o400 });
  await rm(path.join(folder, name));
}

/** 32 bytes for AES, then the two keys of Poly1305-AES. */
function secretOf({ N, r, p, salt }: KeyFile, password: string): Buffer {
  return scryptSync(password, Buffer.from(salt, 'base64'), 64, { N, r, p, maxmem: SCRYPT_BYTES_MAX });
}

function unseal(data: string, secret: Buffer): Buffer {
  const bytes = Buffer.from(data, 'base64');
  const cipher = createDecipheriv('aes-256-ctr', secret.subarray(0, 32), bytes.subarray(0, BLOCK));
  return cipher.update(bytes.subarray(BLOCK, -BLOCK));
}

function seal(plain: Buffer, secret: Buffer): string {
  const nonce = randomBytes(BLOCK);
  const encrypted = createCipheriv('aes-256-ctr', secret.subarray(0, 32), nonce).update(plain);
  return Buffer.concat([nonce, encrypted, poly1305Aes(encrypted, nonce, secret)]).toString('base64');
}

function poly1305Aes(message: Buffer, nonce: Buffer, secret: Buffer): Buffer {
  const pad = createCipheriv('aes-128-ecb', secret.subarray(32, 48), null).update(nonce);
  const factor = numberOf(secret.subarray(48, 64)) & POLY1305_MASK;
  let sum = 0n;
  for (let at = 0; at < message.length; at += BLOCK) {
    const block = message.subarray(at, at + BLOCK);
    sum = ((sum + numberOf(block) + 2n ** BigInt(8 * block.length)) * factor) % POLY1305_PRIME;
  }
  const tag = (sum + numberOf(pad)) % 2n ** 128n;
  return Buffer.from(tag.toString(16).padStart(2 * BLOCK, '0'), 'hex').reverse();
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
