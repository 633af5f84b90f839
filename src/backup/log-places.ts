import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { LogPosition } from './manifest.js';

/**
 * Where a snapshot stands in the logs, as its tags say it, so that snapshots are put in order without opening each. A
 * full backup is known by the hash of the log up to its place: only that log, on whatever server, begins so.
 */
export interface LogPlace {
  /** What names this full backup's place; null for logs alone, and without logs. */
  readonly head: string | null;
  /** The head of the full backup that its logs continue. */
  readonly after: string | null;
  /** How far its logs reach. */
  readonly to: LogPosition | null;
}

const HEAD_CHARS = 16;

/** The tags that say it. */
export function placeTags({ head, after, to }: LogPlace): string[] {
  const texts = [head && `head-${head.slice(0, HEAD_CHARS)}`, after && `after-${after.slice(0, HEAD_CHARS)}`];
  return [...texts, to && `to-${to.file}:${to.offset}`].filter((tag) => tag !== null);
}

/** What tags say of it; nothing for snapshots of before there were such tags. */
export function placeOf({ tags }: { readonly tags: readonly string[] }): LogPlace {
  const said = (name: string) => tags.find((tag) => tag.startsWith(`${name}-`))?.slice(name.length + 1) ?? null;
  const [, file, offset] = /^(.+):(\d+)$/.exec(said('to') ?? '') ?? [];
  return { head: said('head'), after: said('after'), to: file === undefined ? null : { file, offset: Number(offset) } };
}

/** Negative if one place of the same server's logs is before the other. */
export function comparePlaces(one: LogPosition, other: LogPosition): number {
  return numberOf(one.file) - numberOf(other.file) || one.offset - other.offset;
}

/** The number of a log file. */
export function numberOf(file: string): number {
  return Number(file.slice(file.lastIndexOf('.') + 1));
}

/** SHA-256 of the first bytes of a file; of all of it where it is shorter. */
export async function headOf(file: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  if (bytes > 0) for await (const chunk of createReadStream(file, { end: bytes - 1 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
