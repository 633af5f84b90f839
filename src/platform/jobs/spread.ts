import { crc32 } from 'node:zlib';

const WIDTH_MAX = 32;
/** By so much less after each time that went well: in the long run some two in a hundred are lost. */
const NARROWER = 0.98;

/** One of so many equal parts of what waits. */
export interface Part {
  readonly parts: number;
  /** From 0. */
  readonly part: number;
}

/** All of what waits. */
export const WHOLE: Part = { parts: 1, part: 0 };

/**
 * Keeps those who take work from one queue out of each other's way. In a cluster a row lock is known to one server
 * alone: all who begin with the oldest work take the same, and all but one lose it when they commit. So who has lost
 * takes from one of several parts, at random each time, of more parts the oftener it lost. Who never loses, as alone on
 * a server, takes the oldest.
 */
export class Spread {
  private width = 1;

  /** A race was lost: others take from here too. */
  lost(): void {
    this.width = Math.min(2 * this.width, WIDTH_MAX);
  }

  /** What was taken is ours. */
  won(): void {
    this.width = Math.max(1, this.width * NARROWER);
  }

  /** From which part of `waiting` things to take `wanted`; of as many parts at most as have that many each. */
  partFor(wanted: number, waiting: number): Part {
    const parts = Math.max(1, Math.min(Math.floor(this.width), Math.floor(waiting / wanted)));
    return { parts, part: Math.floor(Math.random() * parts) };
  }

  /** The same in another order, if there are others: who comes first there is random. */
  mixed<Thing>(things: readonly Thing[]): readonly Thing[] {
    if (this.width < 2) return things;
    const places = things.map((thing) => ({ thing, place: Math.random() }));
    return places.sort((one, other) => one.place - other.place).map(({ thing }) => thing);
  }
}

/** Whether a thing with this id is in a part; the server's crc32() says the same. */
export function isIn({ parts, part }: Part, id: string): boolean {
  return crc32(id) % parts === part;
}
