import { setImmediate as pollOnce, setTimeout as sleep } from 'node:timers/promises';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2';
import type { DatabaseTls } from '../../config.tls.js';
import { cut } from './driver.js';
import type { RawRow } from './table.js';
import { strangerFault } from './tls.js';

/**
 * How a host is. `well` takes everything; a `busy` node of a Galera cluster too, but it brings another one up or is not
 * agreed with the others; a `standby` answers and takes no writes, as a replica; `outside` answers and is no good, or
 * lets us not in; `silent` does not answer.
 */
export type Standing = 'well' | 'busy' | 'standby' | 'outside' | 'silent';

/** What a host said of itself. */
export interface HostAnswer {
  readonly standing: Standing;
  /** What is not well, in words; empty where all is. */
  readonly why: string;
  /** What hosts have in common that hold the same data: the id of the Galera cluster, or of the server. */
  readonly data: string;
  readonly clock: ClockReading;
}

/** A host's clock. */
export interface ClockReading {
  /** Its time, ms since 1970. */
  readonly theirsMs: number;
  /** When it was that, `performance.now()`, give or take half of `tookMs`. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** A host that takes longer to answer hangs, or is not there, ms. */
const SILENT_MS = 2_000;

const VARIABLES = [
  ...['wsrep_on', 'wsrep_reject_queries', 'read_only', 'super_read_only', 'innodb_read_only'],
  ...['hostname', 'port', 'server_id', 'server_uuid'],
];
const STATUS = ['wsrep_ready', 'wsrep_cluster_status', 'wsrep_local_state_comment', 'wsrep_cluster_state_uuid', 'wsrep_evs_state'];
const named = (names: readonly string[]) => `where variable_name in (${names.map((name) => `'${name}'`).join(', ')})`;
/** Asks for the variables by which a server is judged. */
export const VARIABLES_QUESTION = `show global variables ${named(VARIABLES)}`;
/** Asks for the status by which a node of a Galera cluster is judged. */
export const STATUS_QUESTION = `show global status ${named(STATUS)}`;
const TIME = 'select utc_timestamp(3) as now_at';

/** A node that waits for what others commit says nothing meanwhile. Others do not know the setting. */
const AT_ONCE = 'set session wsrep_sync_wait = 0';

/** The host did not answer in time. */
class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super(`no answer within ${SILENT_MS} ms`);
  }
}

interface HostProbeParts {
  /** Where it is, and who logs in. */
  readonly options: ConnectionOptions;
  readonly tls: DatabaseTls | null;
  /** The connection, on which nothing was asked, ended: the server may have. */
  readonly onEnd: () => void;
}

/** Asks one host how it is, on a connection of its own that stays open. Needs no rights. */
export class HostProbe {
  private connection: Connection | null = null;
  private isAsking = false;

  constructor(private readonly parts: HostProbeParts) {}

  /** Throws what the driver says, or NoAnswer. */
  async ask(): Promise<HostAnswer> {
    const connection = this.connection ?? this.open();
    const late = new AbortController();
    this.isAsking = true;
    try {
      return await Promise.race([this.answerOn(connection), noAnswer(late.signal)]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.isAsking = false;
      late.abort();
    }
  }

  close(): void {
    const { connection } = this;
    this.connection = null;
    // Not in order, which a host that hangs would never take part in.
    if (connection !== null) cut(connection);
  }

  private async answerOn(connection: Connection): Promise<HostAnswer> {
    const variables = await valuesOf(connection, VARIABLES_QUESTION);
    const fault = strangerFault(this.parts.tls, connection);
    if (fault !== undefined) throw fault;
    const status = variables.wsrep_on === 'ON' ? await valuesOf(connection, STATUS_QUESTION) : {};
    return { ...judged(variables, status), clock: await clockOf(connection) };
  }

  private open(): Connection {
    const connection = createConnection({ ...this.parts.options, connectTimeout: SILENT_MS });
    const onEnd = () => {
      if (this.connection !== connection) return;
      this.connection = null;
      // Who asks is told by the question. To look again at once would never end where each connection is ended.
      if (!this.isAsking) this.parts.onEnd();
    };
    // Errors come to whoever asked; here they end what nobody uses.
    connection.on('error', onEnd);
    connection.on('end', onEnd);
    connection.query(AT_ONCE, () => undefined);
    this.connection = connection;
    return connection;
  }
}

/** Rejects when it is too late. An answer that came while this process was busy is looked at first. */
async function noAnswer(signal: AbortSignal): Promise<never> {
  await sleep(SILENT_MS, undefined, { signal, ref: false });
  await pollOnce();
  throw new NoAnswer();
}

type Values = Readonly<Record<string, string | undefined>>;

async function valuesOf(connection: Connection, sql: string): Promise<Values> {
  const rows = await rowsOf(connection, sql);
  return Object.fromEntries(rows.map((row) => [String(row.Variable_name).toLowerCase(), String(row.Value)]));
}

async function clockOf(connection: Connection): Promise<ClockReading> {
  const beganMs = performance.now();
  const [row] = await rowsOf(connection, TIME);
  const tookMs = performance.now() - beganMs;
  return { theirsMs: new Date(`${String(row?.now_at).replace(' ', 'T')}Z`).getTime(), atMs: beganMs + tookMs / 2, tookMs };
}

function rowsOf(connection: Connection, sql: string): Promise<RawRow[]> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, dateStrings: true }, (error, rows) => (error ? reject(error) : resolve(rows as RawRow[])));
  });
}

/** How a server is, by its answers. Servers that know nothing of a variable have nothing against us. */
export function judged(variables: Values, status: Values): Omit<HostAnswer, 'clock'> {
  const data = status.wsrep_cluster_state_uuid ?? serverOf(variables);
  const say = (standing: Standing, why: string) => ({ standing, why, data });
  if (variables.wsrep_on === 'ON') {
    const {
      wsrep_ready: ready,
      wsrep_cluster_status: cluster,
      wsrep_local_state_comment: state,
      wsrep_evs_state: group = 'OPERATIONAL',
    } = status;
    if (cluster !== 'Primary') return say('outside', `it is outside of the primary component of its cluster (${cluster})`);
    if (ready !== 'ON') return say('outside', `it is not ready (${state})`);
    const rejected = variables.wsrep_reject_queries ?? 'NONE';
    if (rejected !== 'NONE') return say('outside', `it rejects queries (wsrep_reject_queries=${rejected})`);
    if (state !== 'Synced' && state !== 'Donor/Desynced') return say('outside', `it is not synced (${state})`);
    if (!takesNoWrites(variables) && state !== 'Synced') return say('busy', `it brings another node up (${state})`);
    // One that was frozen looks for the others for up to half a minute, and calls itself ready meanwhile.
    if (!takesNoWrites(variables) && group !== 'OPERATIONAL') return say('busy', `it is not agreed with the others (${group})`);
  }
  return takesNoWrites(variables) ? say('standby', 'it is read-only') : say('well', '');
}

/** Newer servers have more words for it than ON. */
function takesNoWrites(variables: Values): boolean {
  return [variables.read_only, variables.super_read_only, variables.innodb_read_only].some((value = 'OFF') => value !== 'OFF');
}

/** The same by whatever way one comes to it. */
function serverOf({ server_uuid: uuid, hostname, port, server_id: id }: Values): string {
  return uuid ?? [hostname, port, id].join();
}
