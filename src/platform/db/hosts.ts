import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2';
import type { HostAddress, HostList } from '../../config.hosts.js';
import { leadsTo } from './driver.js';
import { Host } from './host.js';
import type { ClockReading, HostProbe, Standing } from './host-probe.js';
import { type DatabaseObserver, UNOBSERVED } from './observer.js';

/**
 * For so long a host must have been well before it is gone back to while another serves, ms: longer than a Galera node
 * needs to be suspected by the others and taken in again (evs.suspect_timeout is 5 s), so that one that comes and goes
 * is left alone.
 */
const WELL_FOR_MS = 10_000;

/** After the last host was lost others are waited for, ms: as long as a server may take to greet a new connection. */
const WAITED_MS = 5_000;
const POLL_MS = 50;

/** What is known of a host. */
export interface HostReport {
  /** `host:port`. */
  readonly name: string;
  readonly isInUse: boolean;
  /** Why it could not take over, in words; null if it could, or stands by as a replica. */
  readonly fault: string | null;
  /** Since when it stands so, `performance.now()`. */
  readonly sinceMs: number;
  /** Its clock, when it answered last; null if it never did. */
  readonly clock: ClockReading | null;
}

/** The servers of a database that has several. */
export interface DatabaseHosts {
  /** Those that were looked at, in the order in which they are tried. */
  reports(): readonly HostReport[];
  /** Why none can be used, in words; null if one can. */
  whyNone(): string | null;
}

/** No host answers, or those that do hold different data: nothing was asked. */
class NoHost extends Error {
  readonly fatal = true;

  constructor(
    message: string,
    readonly code: 'EHOSTDOWN' | 'HOSTS_DISAGREE',
  ) {
    super(message);
  }
}

interface HostsParts {
  readonly list: HostList;
  readonly probeOf: (address: HostAddress, onEnd: () => void) => HostProbe;
  /** From now on connections are to lead here. */
  readonly onUse: (address: HostAddress) => void;
  /** It hangs or is gone, and with it what it was asked. */
  readonly onSilent: (address: HostAddress) => void;
}

const RANK: Readonly<Record<Standing, number>> = { well: 0, busy: 1, standby: 2, outside: 3, silent: 4 };

/**
 * Which of several servers is used: the first that serves. All work of a process goes to one at a time, so what it
 * wrote it reads, and its transactions meet at locks. One is left at once when it does not serve, and gone back to when
 * it was well for a while and holds the same data. What failed elsewhere only has a host looked at: what it says of
 * itself decides.
 */
export class Hosts implements DatabaseHosts {
  private readonly all: readonly Host[];
  private inUse: Host | null = null;
  private begun: Promise<unknown> | null = null;
  private hasBegun = false;
  private doubted: Promise<unknown> | null = null;
  /** Ends the wait for a host that is not used any more. */
  private settleDoubt: () => void = () => undefined;
  /** What was told of each host last. */
  private readonly faults = new Map<Host, string | null>();
  /** Since when none serves, `performance.now()`; at the start nobody waits. */
  private noneSinceMs: number | null = Number.NEGATIVE_INFINITY;
  private doDisagree = false;
  private observer: DatabaseObserver = UNOBSERVED;

  constructor(private readonly parts: HostsParts) {
    const { addresses, order } = parts.list;
    const ordered = order === 'random' ? shuffled(addresses) : addresses;
    this.all = ordered.map((address) => this.hostAt(address));
  }

  observe(observer: DatabaseObserver): void {
    this.observer = observer;
  }

  /** Whether nobody has to wait for `ready`. */
  get isReady(): boolean {
    return this.noneSinceMs === null && this.doubted === null;
  }

  /** Where connections are to lead; null until that was chosen. */
  get used(): HostAddress | null {
    return this.inUse?.address ?? null;
  }

  /**
   * Resolves when it is known where connections are to lead. Throws NoHost if none answers, or if those that take
   * writes hold different data. Where hosts answer and none takes writes, one of them is to say so itself.
   */
  async ready(): Promise<void> {
    await this.begin();
    await this.doubted;
    while (this.noneSinceMs !== null && performance.now() - this.noneSinceMs < WAITED_MS) await sleep(POLL_MS);
    // One may have come back since it was looked at last.
    if (this.noneSinceMs !== null) await Promise.all(this.all.map((host) => host.look()));
    if (this.noneSinceMs === null) return;
    if (this.doDisagree) throw new NoHost(this.inWords(), 'HOSTS_DISAGREE');
    if (this.inUse === null || this.inUse.standing === 'silent') throw new NoHost(this.inWords(), 'EHOSTDOWN');
  }

  /** Something failed: the host in use is looked at, and who wants a connection waits for that. */
  doubt(): void {
    const { inUse } = this;
    if (inUse === null || this.doubted !== null) return;
    const settled = new Promise<void>((resolve) => {
      this.settleDoubt = resolve;
      void inUse.look().then(resolve);
    });
    this.doubted = settled.then(() => {
      this.doubted = null;
    });
  }

  /** A statement was answered on this connection. */
  heard(connection: Connection): void {
    if (this.inUse !== null && leadsTo(connection, this.inUse.address)) this.inUse.heardAtMs = performance.now();
  }

  reports(): readonly HostReport[] {
    const looked = this.all.filter(({ standing }) => standing !== null);
    return looked.map((host) => ({
      name: host.name,
      isInUse: host === this.inUse,
      fault: faultOf(host),
      sinceMs: host.sinceMs,
      clock: host.clock,
    }));
  }

  whyNone(): string | null {
    return this.hasBegun && this.noneSinceMs !== null ? this.inWords() : null;
  }

  close(): void {
    for (const host of this.all) host.close();
  }

  /** Nothing is chosen before each was looked at once. */
  private begin(): Promise<unknown> {
    this.begun ??= Promise.all(this.all.map((host) => host.look())).then(() => {
      this.hasBegun = true;
      this.choose();
    });
    return this.begun;
  }

  private hostAt(address: HostAddress): Host {
    const probeOf = (onEnd: () => void) => this.parts.probeOf(address, onEnd);
    return new Host(address, probeOf, (host) => this.looked(host));
  }

  private looked(host: Host): void {
    if (host.standing === 'silent') this.parts.onSilent(host.address);
    if (this.hasBegun) this.choose();
    for (const each of this.all) {
      const [before, fault] = [this.faults.get(each) ?? null, faultOf(each)];
      this.faults.set(each, fault);
      if ((before === null) !== (fault === null)) this.observer.hostFound(each.name, fault);
    }
  }

  private choose(): void {
    const { inUse } = this;
    const next = inUse?.serves ? this.better(inUse) : this.replacement();
    if (next !== null && next !== inUse) this.use(next);
    if (this.inUse?.serves) this.noneSinceMs = null;
    else this.noneSinceMs ??= performance.now();
  }

  /** The host to go back to from one that serves, or that does better. */
  private better(inUse: Host): Host | null {
    for (const host of this.all) if (host.takesWrites) host.isStranger = host.data !== inUse.data;
    const place = (host: Host) => rankOf(host) * this.all.length + this.all.indexOf(host);
    const better = this.all.filter((host) => host.serves && host.wellForMs >= WELL_FOR_MS && place(host) < place(inUse));
    return best(better);
  }

  /** The host to use instead of one that does not serve. If none does, one that answers is to say why. */
  private replacement(): Host | null {
    const serving = this.all.filter((host) => host.serves);
    this.doDisagree = serving.some(({ data }) => data !== serving[0]?.data);
    if (this.doDisagree) return null;
    if (serving.length > 0) return best(serving);
    return this.inUse === null || this.inUse.standing === 'silent' ? best(this.all.filter(({ standing }) => standing !== 'silent')) : null;
  }

  private use(host: Host): void {
    const before = this.inUse;
    this.inUse = host;
    this.settleDoubt();
    this.parts.onUse(host.address);
    if (before !== null) this.observer.hostChanged(before.name, host.name, before.serves ? `${host.name} is well again` : before.why);
  }

  private inWords(): string {
    const each = this.all.map(
      (host) => `${host.name}: ${this.doDisagree && host.serves ? 'it takes writes' : (faultOf(host) ?? host.why)}`,
    );
    if (!this.doDisagree) return `No host of the database can be used. ${each.join('; ')}.`;
    return `Several hosts of the database take writes and are no cluster: make all but the primary read-only. ${each.join('; ')}.`;
  }
}

/** A replica may stand by for as long as it likes. */
function faultOf({ standing, isStranger, takesWrites, why }: Host): string | null {
  if (takesWrites && isStranger) return 'it takes writes beside the host in use, and is of no cluster with it: make it read-only';
  return isFaulty(standing) ? why : null;
}

function isFaulty(standing: Standing | null): boolean {
  return standing === 'outside' || standing === 'silent';
}

function rankOf({ standing }: Host): number {
  return RANK[standing ?? 'silent'];
}

/** The first of the best. */
function best(hosts: readonly Host[]): Host | null {
  return hosts.toSorted((one, other) => rankOf(one) - rankOf(other))[0] ?? null;
}

function shuffled<T>(given: readonly T[]): readonly T[] {
  return given
    .map((each) => ({ each, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ each }) => each);
}
