import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError, type Call, findProgram, output, type ProgramEnvironment } from './programs.js';

const SNAPSHOT = z.object({
  id: z.string(),
  time: z.string().transform((text) => new Date(text)),
  /** The id under which it was made, where its tags were changed since. */
  original: z.string().optional(),
  tags: z
    .array(z.string())
    .nullish()
    .transform((tags) => tags ?? []),
});

/** What of a repository's snapshots matters here. */
export type Snapshot = z.infer<typeof SNAPSHOT>;

const SUMMARY = z.object({ message_type: z.literal('summary'), snapshot_id: z.string(), data_added: z.number() });
const FORGOTTEN = z.array(z.object({ remove: z.array(SNAPSHOT).nullish() }));

/** Every snapshot of ours carries it: a repository may be shared. */
const OURS = 'billing';

const SECOND_MS = 1_000;
const LOCK_TRIES = 150;
const LOCK_PAUSE_MS = 2_000;

/**
 * Restic, which encrypts, deduplicates and carries away. Which repository, with which password and credentials, is in
 * its own environment variables.
 */
export class Restic {
  constructor(private readonly environment: ProgramEnvironment) {}

  /** Makes the repository. */
  async init(): Promise<void> {
    await this.run(['init', '--quiet']);
  }

  /**
   * Keeps what lies in a directory as one snapshot; returns it, and the bytes it added. It is dated `time`, or after
   * all that are there: so the order of dates is that in which snapshots came, whatever clocks were wrong.
   */
  async keep(
    directory: string,
    tags: readonly string[],
    time: Date,
  ): Promise<{ readonly snapshot: Snapshot; readonly addedBytes: number }> {
    const newest = (await this.snapshots()).at(-1)?.time.getTime() ?? 0;
    const date = new Date(Math.max(time.getTime(), newest + SECOND_MS));
    const at = date.toISOString().slice(0, 19).replace('T', ' ');
    const args = ['backup', '--json', '--host', OURS, ...tagArgs(tags), '--time', at, '.'];
    const lines = (await this.run(args, { cwd: directory })).split('\n').filter((line) => line.includes('"summary"'));
    const { snapshot_id: shown, data_added: addedBytes } = SUMMARY.parse(JSON.parse(lines.at(-1) ?? 'null'));
    // Some versions shorten it.
    const made = (await this.snapshots(...tags)).find(({ id }) => id.startsWith(shown));
    if (made === undefined) throw new BackupError('The snapshot was made and cannot be found.');
    return { snapshot: made, addedBytes };
  }

  /** Our snapshots that carry all these tags, oldest first. */
  async snapshots(...tags: readonly string[]): Promise<Snapshot[]> {
    const found = z.array(SNAPSHOT).parse(JSON.parse(await this.run(['snapshots', '--json', '--tag', [OURS, ...tags].join(',')])) ?? []);
    return found.toSorted((one, other) => one.time.getTime() - other.time.getTime());
  }

  /** The text of one file of a snapshot. */
  read(id: string, file: string): Promise<string> {
    return this.run(['dump', id, `/${file}`]);
  }

  /** Writes a snapshot, or one folder of it, into a directory, and checks every byte against its hash. */
  async restore(id: string, directory: string, only?: string): Promise<void> {
    await this.run(['restore', id, '--target', directory, ...(only === undefined ? [] : ['--include', `/${only}`])]);
  }

  /** Gives a snapshot one tag in the place of another; returns it under the id that it has from then on. */
  async retag(snapshot: Snapshot, tag: string, instead: string): Promise<Snapshot> {
    await this.run(['tag', '--add', tag, '--remove', instead, snapshot.id]);
    const renamed = (await this.snapshots(tag)).find(({ original }) => original === snapshot.id);
    if (renamed === undefined) throw new BackupError('The snapshot was tagged and cannot be found.');
    return renamed;
  }

  /** Which snapshots with these tags a policy of restic's would let go; nothing is removed. */
  async beyond(policy: readonly string[], ...tags: readonly string[]): Promise<Snapshot[]> {
    const args = ['forget', '--dry-run', '--json', '--group-by', '', '--tag', [OURS, ...tags].join(','), ...policy];
    const [line = '[]'] = (await this.run(args)).split('\n').filter((text) => text.startsWith('['));
    return FORGOTTEN.parse(JSON.parse(line)).flatMap(({ remove }) => remove ?? []);
  }

  /** Removes snapshots, and the data that nothing else refers to. */
  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.run(['forget', '--prune', '--quiet', ...ids]);
  }

  /** Waits for its turn while another restic holds the repository; locks that a dead one left behind are removed. */
  private async run(args: readonly string[], more: { readonly cwd?: string } = {}): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await output({ ...this.call(args), ...more });
      } catch (error) {
        const words = error instanceof BackupError ? error.message : '';
        if (/Is there a repository at/.test(words)) throw new BackupError(noRepository(words), { cause: error });
        if (!/already locked/.test(words) || tries >= LOCK_TRIES) throw error;
        await sleep(LOCK_PAUSE_MS);
        await output(this.call(['unlock']));
      }
    }
  }

  private call(args: readonly string[]): Call {
    const program = findProgram(['restic'], this.environment);
    if (program === null) throw new BackupError('restic is not installed here: apt-get install restic.');
    return { program, args, environment: { ...this.environment, TZ: 'UTC' } };
  }
}

/** None yet, or one that does not answer: to make it anew would be the wrong way out of that. */
function noRepository(words: string): string {
  const [, reason = ''] = /unable to open config file: (.*)/.exec(words) ?? [];
  const isNone = /no such file or directory|does not exist|not found|NoSuchKey/i.test(reason) && !/lookup|no such host/i.test(reason);
  return isNone
    ? 'There is no repository at RESTIC_REPOSITORY yet: run `billing backup --init` once.'
    : `The repository at RESTIC_REPOSITORY cannot be reached: ${reason}`;
}

function tagArgs(tags: readonly string[]): string[] {
  return [OURS, ...tags].flatMap((tag) => ['--tag', tag]);
}
