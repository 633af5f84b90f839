import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { LogFiles } from '../config.observing.js';
import { type LogOutlet, type Losses, WAITING_BYTES_MAX } from './log-outlet.js';

/** After a failure the disk is left alone for so long, ms; lines of that time are lost. */
const TRY_AGAIN_AFTER_MS = 1_000;
const NEWLINE = 10;
const DAY_MS = 86_400_000;

/** The file that is written to now. */
interface CurrentFile {
  readonly path: string;
  readonly day: string;
  readonly handle: FileHandle;
  /** What the path must still name. */
  readonly inode: number;
  readonly device: number;
}

/**
 * `<name>-2026-03-01.log` (UTC), then `<name>-2026-03-01.1.log` when that is full; what is older than the days to keep
 * is removed. A file that somebody moved, removed or emptied is begun anew. Lines that the disk does not take are lost
 * and counted, and the next that it takes is whole.
 */
export class DailyFile implements LogOutlet {
  private waiting: string[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | null = null;
  private current: CurrentFile | null = null;
  private tryAgainAt = 0;
  private lastReason = '';

  constructor(
    private readonly files: LogFiles,
    private readonly losses: Losses,
  ) {}

  write(line: string): void {
    if (performance.now() < this.tryAgainAt) this.losses.add(1, this.lastReason);
    else if (this.waitingBytes > WAITING_BYTES_MAX) this.losses.add(1, 'the disk takes too long');
    else this.take(line);
  }

  private take(line: string): void {
    this.waiting.push(line);
    this.waitingBytes += line.length;
    this.writing ??= this.writeAll();
  }

  async flush(): Promise<void> {
    await this.writing;
  }

  async close(): Promise<void> {
    await this.writing;
    await this.letGo();
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const text = Buffer.from(this.waiting.join(''));
      this.waiting = [];
      this.waitingBytes = 0;
      await this.append(text);
    }
    this.writing = null;
  }

  /** Nobody can be told of a failure but by counting what was lost: a log stops nothing. */
  private async append(text: Buffer): Promise<void> {
    let written = 0;
    try {
      const { handle } = await this.fileOfNow();
      while (written < text.length) written += (await handle.write(text, written)).bytesWritten;
      this.losses.over();
    } catch (error) {
      this.lastReason = (error as Error).message;
      this.tryAgainAt = performance.now() + TRY_AGAIN_AFTER_MS;
      await this.letGo();
      this.losses.add(linesIn(text.subarray(written)), this.lastReason);
    }
  }

  private async fileOfNow(): Promise<CurrentFile> {
    const day = dayOf(Date.now());
    const { current } = this;
    if (current?.day === day && (await this.isStill(current))) return current;
    await this.letGo();
    this.current = await this.opened(day);
    return this.current;
  }

  /** Whether the path still names this file, with room in it. */
  private async isStill({ path: file, inode, device }: CurrentFile): Promise<boolean> {
    const seen = await stat(file).catch(nullIfGone);
    return seen?.ino === inode && seen.dev === device && seen.size < this.bytesMax;
  }

  private async opened(day: string): Promise<CurrentFile> {
    const { directory, name } = this.files;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const mine = (await readdir(directory)).flatMap((file) => this.parsed(file));
    await this.removeOld(mine);
    const begun = mine.filter((file) => file.day === day).map(({ number }) => number);
    for (let number = Math.max(0, ...begun); ; number += 1) {
      const file = path.join(directory, `${name}-${day}${number === 0 ? '' : `.${number}`}.log`);
      const handle = await open(file, 'a+', 0o600);
      const { ino: inode, dev: device, size } = await handle.stat();
      if (size < this.bytesMax) {
        await endTornLine(handle, size);
        return { path: file, day, handle, inode, device };
      }
      await handle.close();
    }
  }

  private get bytesMax(): number {
    return this.files.megabytesMax * 1_048_576;
  }

  /** The day and number in the name of a file of ours. */
  private parsed(file: string): { readonly file: string; readonly day: string; readonly number: number }[] {
    const [, name, day = '', number = '0'] = /^(\w+)-(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.log$/.exec(file) ?? [];
    return name === this.files.name ? [{ file, day, number: Number(number) }] : [];
  }

  private async removeOld(mine: readonly { readonly file: string; readonly day: string }[]): Promise<void> {
    const { directory, keptDays } = this.files;
    const oldest = dayOf(Date.now() - keptDays * DAY_MS);
    const removals = mine.filter(({ day }) => day < oldest).map(({ file }) => rm(path.join(directory, file), { force: true }));
    // One that cannot be removed is tried again tomorrow, and keeps no line out of today's.
    await Promise.allSettled(removals);
  }

  private async letGo(): Promise<void> {
    const { current } = this;
    this.current = null;
    // A disk that is full may say so once more.
    await current?.handle.close().catch(() => undefined);
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function linesIn(text: Buffer): number {
  return text.reduce((count, byte) => count + (byte === NEWLINE ? 1 : 0), 0);
}

function nullIfGone(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

/** What a full disk or a killed process cut off stays a line of its own. */
async function endTornLine(handle: FileHandle, size: number): Promise<void> {
  if (size === 0) return;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  if (last[0] !== NEWLINE) await handle.write('\n');
}
