import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Characters after the prefix of an id of Tilled. */
const ID_LENGTH = 21;

/**
 * Makes ids. With a seed the n-th id of a stream is always the same one: a hash of seed, stream and n,
 * so that the whole state of the generator is two counters, which the store keeps.
 */
export class Ids {
  private objectCount = 0;
  private requestCount = 0;

  constructor(private readonly seed: number | undefined) {}

  /** A new id of an object, such as `pi_` and 21 characters. */
  object(prefix: string): string {
    this.objectCount += 1;
    return `${prefix}_${this.characters('object', this.objectCount, ID_LENGTH)}`;
  }

  /** A new secret: of a webhook endpoint, a key or a client. */
  secret(prefix: string, length: number): string {
    this.objectCount += 1;
    return `${prefix}_${this.characters('object', this.objectCount, length)}`;
  }

  /** A new id of a request. Its own stream: how often somebody reads must not change the ids of objects. */
  request(): string {
    this.requestCount += 1;
    return `req_${this.characters('request', this.requestCount, ID_LENGTH)}`;
  }

  /** How many ids were made, to be continued by resume() after a restart. */
  position(): { objects: number; requests: number } {
    return { objects: this.objectCount, requests: this.requestCount };
  }

  /** Continues where position() was. */
  resume(position: { objects: number; requests: number }): void {
    this.objectCount = position.objects;
    this.requestCount = position.requests;
  }

  private characters(stream: string, count: number, length: number): string {
    let text = '';
    for (let block = 0; text.length < length; block += 1) {
      const bytes =
        this.seed === undefined ? randomBytes(32) : createHash('sha256').update(`${this.seed}:${stream}:${count}:${block}`).digest();
      for (const byte of bytes) text += ALPHABET[byte % ALPHABET.length];
    }
    return text.slice(0, length);
  }
}

/** A repeatable source of numbers in [0, 1) for faults and latencies (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
