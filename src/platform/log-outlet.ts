/** Where lines of a log may go. */
export type OutletName = 'stdout' | 'file';

/** Takes lines of a log. Writing never throws and never waits, and only so much is kept of what is not taken. */
export interface LogOutlet {
  write(line: string): void;
  /** Resolves once what was written arrived or was lost. */
  flush(): Promise<void>;
  /** The same, and lets go of what it holds. */
  close(): Promise<void>;
}

/** Lines that never arrived, by where they should have: counted from the start, whenever somebody begins to follow. */
export class LostLines {
  private readonly counts: [OutletName, number][] = [];
  private readonly followers: ((to: OutletName, lines: number) => void)[] = [];

  follow(follower: (to: OutletName, lines: number) => void): void {
    for (const [to, lines] of this.counts) follower(to, lines);
    this.followers.push(follower);
  }

  add(to: OutletName, lines: number): void {
    const known = this.counts.find(([name]) => name === to);
    if (known === undefined) this.counts.push([to, lines]);
    else known[1] += lines;
    for (const follower of this.followers) follower(to, lines);
  }
}

/** Says that lines are lost, and that they are not any more. */
interface Teller {
  began(reason: string): void;
  ended(lines: number): void;
}

/** The losses of one outlet: each line is counted; what is said is their beginning and their end, once. */
export class Losses {
  private lines = 0;

  constructor(
    private readonly count: (lines: number) => void,
    private readonly teller: Teller,
  ) {}

  add(lines: number, reason: string): void {
    const isFirst = this.lines === 0;
    this.lines += lines;
    this.count(lines);
    // Only now: what is said is a line too, and may be lost in its turn.
    if (isFirst) this.teller.began(reason);
  }

  /** A line arrived. */
  over(): void {
    const { lines } = this;
    this.lines = 0;
    if (lines > 0) this.teller.ended(lines);
  }
}

/** What of the log may wait for a reader or a disk, bytes. */
export const WAITING_BYTES_MAX = 4_194_304;

/** The standard output. A reader that went away or does not read costs the lines that it misses, and nothing else. */
export class StreamOutlet implements LogOutlet {
  private isFull = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly losses: Losses,
  ) {
    forgiveErrors(stream);
  }

  write(line: string): void {
    // Half of it must be read before more is taken: or each line that is read would end one loss and begin another.
    this.isFull = this.stream.writableLength > (this.isFull ? WAITING_BYTES_MAX / 2 : WAITING_BYTES_MAX);
    if (this.isFull) this.losses.add(1, 'nobody reads it');
    else this.stream.write(line, (error) => this.settle(error));
  }

  private settle(error: Error | null | undefined): void {
    if (error) this.losses.add(1, error.message);
    else if (!this.isFull) this.losses.over();
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.stream.write('', () => resolve()));
  }

  close(): Promise<void> {
    return this.flush();
  }
}

/** Has errors of a stream end nobody: who writes is told by the callback. */
function forgiveErrors(stream: NodeJS.WriteStream): void {
  if (!stream.listeners('error').includes(forgive)) stream.on('error', forgive);
}

function forgive(): void {
  // Each write was told.
}
