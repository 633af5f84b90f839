import { type HostAddress, hostName } from '../../config.hosts.js';
import type { ClockReading, HostAnswer, HostProbe, Standing } from './host-probe.js';
import { outageOf } from './outage.js';

/** After one look ended the next begins so much later, ms. */
const EVERY_MS = 1_000;

/** A host that answered a statement so lately, ms, is slow to say how it is, and does not hang. */
const HEARD_MS = 1_000;

/** Nothing came from there. That its name is not found says nothing of connections that are open. */
const SILENCE = /^(ECONN|ETIMEDOUT|EPIPE|EHOST|ENET|PROTOCOL_)/;

/** One of several servers of a database, as this process sees it. Looked at every second until it is closed. */
export class Host {
  readonly name: string;
  /** Null until it was looked at. */
  standing: Standing | null = null;
  /** What is not well, in words. */
  why = '';
  /** It takes writes while the host in use does, and has other data; until it is found to take none. */
  isStranger = false;
  /** What hosts with the same data have in common, as it said last. */
  data: string | null = null;
  /** Its clock, as it said last. */
  clock: ClockReading | null = null;
  /** When it answered a statement last, `performance.now()`. */
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** Since when it stands so, and since when it is well, `performance.now()`. */
  sinceMs = performance.now();
  private wellSinceMs: number | null = null;
  private running: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private isClosed = false;
  private readonly probe: HostProbe;

  constructor(
    readonly address: HostAddress,
    probeOf: (onEnd: () => void) => HostProbe,
    /** It was looked at. */
    private readonly onLook: (host: Host) => void,
  ) {
    this.name = hostName(address);
    this.probe = probeOf(() => void this.look());
  }

  /** Whether it may be used: it takes writes, and has the data that the host in use has. */
  get serves(): boolean {
    return this.takesWrites && !this.isStranger;
  }

  get takesWrites(): boolean {
    return this.standing === 'well' || this.standing === 'busy';
  }

  /** For how long it has been well without a break, ms. */
  get wellForMs(): number {
    return this.wellSinceMs === null ? 0 : performance.now() - this.wellSinceMs;
  }

  /** A look that begins from now on; who asks during one shares the next. Never rejects. */
  look(): Promise<void> {
    if (this.next !== null) return this.next;
    if (this.running === null) return this.begin();
    this.next = this.running.then(() => this.begin());
    return this.next;
  }

  close(): void {
    this.isClosed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.probe.close();
  }

  private begin(): Promise<void> {
    this.next = null;
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.isClosed) return Promise.resolve();
    this.running = this.lookOnce().finally(() => {
      this.running = null;
      if (!this.isClosed) this.timer = setTimeout(() => void this.look(), EVERY_MS).unref();
    });
    return this.running;
  }

  private async lookOnce(): Promise<void> {
    // A connection may be ended by others. On a new one the host speaks for itself.
    const asked = this.probe.ask().catch((error: unknown) => (isLate(error) || this.isClosed ? Promise.reject(error) : this.probe.ask()));
    await asked.then(
      (answer) => this.note(answer.standing, answer.why, answer),
      (error: unknown) => this.noteFailure(error),
    );
    if (!this.isClosed) this.onLook(this);
  }

  private noteFailure(error: unknown): void {
    // What has no room for one more connection may serve those that are open.
    if (outageOf(error) === 'full' && this.standing !== null) return;
    if (isLate(error) && performance.now() - this.heardAtMs < HEARD_MS) return;
    const { code = '', message } = error as { readonly code?: string; readonly message: string };
    if (SILENCE.test(code)) this.note('silent', `it does not answer (${code})`, null);
    else this.note('outside', `it refuses: ${message.split('\n', 1)[0]}`, null);
  }

  private note(standing: Standing, why: string, answer: HostAnswer | null): void {
    const now = performance.now();
    if (standing !== this.standing) this.sinceMs = now;
    [this.standing, this.why] = [standing, why];
    this.wellSinceMs = standing === 'well' ? (this.wellSinceMs ?? now) : null;
    if (answer === null) return;
    [this.data, this.clock] = [answer.data, answer.clock];
    if (standing === 'standby') this.isStranger = false;
  }
}

function isLate(error: unknown): boolean {
  return (error as { readonly code?: string }).code === 'ETIMEDOUT';
}
