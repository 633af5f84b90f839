import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A disk of a test's own, so small that it can be filled. Only root may make one (test/support/programs.mjs looks). */
export class SmallDisk {
  private readonly filler: string;

  private constructor(readonly directory: string) {
    this.filler = path.join(directory, 'filler');
  }

  /** An empty disk of so many megabytes. */
  static async create(megabytes: number): Promise<SmallDisk> {
    const directory = await mkdtemp(path.join(tmpdir(), 'bg_test_disk_'));
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`A small disk could not be made: ${stderr}`);
    return new SmallDisk(directory);
  }

  /** Leaves no room. */
  fill(): void {
    spawnSync('dd', ['if=/dev/zero', `of=${this.filler}`, 'bs=4k'], { stdio: 'ignore' });
  }

  /** Makes room again. */
  free(): Promise<void> {
    return rm(this.filler, { force: true });
  }

  /** Removes it with all it holds. */
  async close(): Promise<void> {
    spawnSync('umount', ['-l', this.directory]);
    await rm(this.directory, { recursive: true, force: true });
  }
}
