import { ConstraintViolationException, DriverException } from '@mikro-orm/core';
import { isLostRace, saysLostRace } from './lost-race.js';

/**
 * Why the database did not do a statement, where that is no fault of the statement and passes by itself.
 * `refused`: the server said that it does nothing now; nothing was done, and its connections lead to the wrong place.
 * `full`: it has no room for another connection, or on its disk; nothing was done, and connections that are open serve.
 * `lost`: there was no answer, or one that leaves it open; it may have been done.
 */
export type Outage = 'refused' | 'full' | 'lost';

/**
 * By the number of the error. Read-only servers say 1290, 1836 or 1792 (a demoted primary, RDS and Aurora, MaxScale
 * without a primary), those whose InnoDB is 1874 or 1036, MySQL in offline mode 3032, Galera without a quorum 1047.
 */
const REFUSED: ReadonlySet<number> = new Set([1290, 1836, 1792, 1874, 1036, 3032, 1047]);

/** Too many connections: of all, of the user, by its quota. No room on the disk. */
const FULL: ReadonlySet<number> = new Set([1040, 1203, 1226, 1021, 1114]);

/**
 * Shutting down or ending connections (1053, 1077 to 1080, 1152, 1184, 1927, 4031, 1317 with a kill), network errors of
 * the server's (1158 to 1161), an error while it committed (1180, 3100), what clients call a lost server (2002, 2003,
 * 2006, 2013, 2055), and what proxies before a server say: 1105 (Vitess and others), 9001 to 9006 (ProxySQL).
 */
const LOST: ReadonlySet<number> = new Set([
  ...[1053, 1077, 1078, 1079, 1080, 1105, 1152, 1158, 1159, 1160, 1161, 1180, 1184, 1317, 1927],
  ...[2002, 2003, 2006, 2013, 2055, 3100, 4031, 9001, 9002, 9003, 9004, 9005, 9006],
]);

/** What the system and the driver call the end, or the lack, of a connection. */
const LOST_CODE = /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENOTFOUND|EAI_AGAIN|PROTOCOL_|STATEMENT_TIMEOUT)/;

/** The embedded database: its disk is full, or it finds no file and can make none. */
const [SQLITE_FULL, SQLITE_CANTOPEN] = [13, 14];

/** The parts of a driver's error that say what it is. */
interface DriverFacts {
  /** The embedded database's number. */
  readonly errcode?: unknown;
  readonly code?: unknown;
  readonly errno?: unknown;
  /** The connection is of no use any more. */
  readonly fatal?: unknown;
  /** The connection could not be made. */
  readonly isConnecting?: unknown;
}

/** What kind of outage an error of the driver's tells of; null for any other. */
export function outageOf(error: unknown): Outage | null {
  const { code, errno, errcode, fatal } = error as DriverFacts;
  if (FULL.has(Number(errno)) || errcode === SQLITE_FULL) return 'full';
  if (REFUSED.has(Number(errno))) return 'refused';
  return LOST.has(Number(errno)) || fatal === true || errcode === SQLITE_CANTOPEN || LOST_CODE.test(String(code)) ? 'lost' : null;
}

/** Whether the connection on which an error came has to be closed. */
export function endsConnection(error: unknown): boolean {
  const outage = outageOf(error);
  return outage === 'refused' || outage === 'lost';
}

/** ER_LOCK_WAIT_TIMEOUT; sooner than this, ms, it is about no lock: those are waited for a second at least. */
const [LOCK_WAIT, SOONER_THAN_LOCKS_MS] = [1205, 500];

/** A Galera node is without the others. In the words of the server for its other statements. */
class NodeAlone extends Error {
  readonly errno = 1047;
  readonly code = 'ER_UNKNOWN_COM_ERROR';

  constructor() {
    super('The node cannot wait for what the others of its cluster confirmed.');
  }
}

/**
 * An error as it is meant that came so long after its statement was sent, ms. A Galera node without the others, which
 * cannot wait for them (wsrep_sync_wait), says 1047 to some statements, and to others, PREPARE among them, at once that
 * a lock was waited for in vain: tried again as a lost race, those would keep their callers waiting.
 */
export function asMeant(error: Error, tookMs: number): Error {
  const isLockWait = (error as DriverFacts).errno === LOCK_WAIT;
  return isLockWait && tookMs < SOONER_THAN_LOCKS_MS ? new NodeAlone() : error;
}

/** Whether the transaction is gone, or is to be given up, in which a statement failed so. */
export function endsTransaction(error: unknown): boolean {
  return saysLostRace(error) || outageOf(error) !== null;
}

/** How long a process that serves waits for each statement, ms: what takes longer is not worth waiting for. */
export const STATEMENT_MS_MAX = 15_000;

/** A statement was not answered in time: whether it was done is not known. */
export class StatementTimeout extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
  readonly fatal = true;

  constructor(ms: number) {
    super(`The database did not answer a statement within ${ms} ms.`);
  }
}

/** A COMMIT was not answered: the transaction is kept or rolled back, and only the database will say which. */
export class CommitUnanswered extends DriverException {}

/**
 * Whether a transaction may be kept whose COMMIT failed so. Not where it was refused before it began (Galera without
 * a quorum: 1047), or lost to others (1213). Any other answer leaves it open: what Galera answered with 1180, when
 * its node was cut off, is mostly rolled back and sometimes kept.
 */
export function mayBeKept(error: unknown): boolean {
  if (isLostRace(error) || error instanceof ConstraintViolationException) return false;
  const outage = outageOf(error);
  return outage === 'lost' || (outage === null && error instanceof DriverException);
}

/** Marks an error as that of a connection that could not be made. */
export function connecting(error: object): object {
  return Object.assign(error, { fatal: true, isConnecting: true });
}

/** Whether the database did not do something because it is away, read-only, frozen or full. */
export function isOutage(error: unknown): boolean {
  return error instanceof CommitUnanswered || (error instanceof DriverException && outageOf(error) !== null);
}

/** Whether what failed may go well when it is tried a little later: an outage, or a race that was lost too often. */
export function isPassing(error: unknown): boolean {
  return isOutage(error) || isLostRace(error);
}

/** An outage, or a race that was lost too often, in a sentence for who ran a command. */
export function outageInWords(error: unknown): string {
  const { code = 'no answer', message } = error as { readonly code?: string; readonly message: string };
  return `The database cannot do this now (${code}: ${message.split('\n', 1)[0]}). What was committed stays: run the command again when it can.`;
}

/**
 * Does work once more, on another connection, if that of the first try could not serve. What may have been done is not
 * done again, unless it `isUndone` for want of a COMMIT, or only reads.
 */
export async function onAnother<Result>(isUndone: boolean, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isWorthAnother(error, isUndone)) throw error;
    return work();
  }
}

function isWorthAnother(error: unknown, isUndone: boolean): boolean {
  if (!isOutage(error) || error instanceof CommitUnanswered) return false;
  // What took its time, or found no server at all, would find none now.
  const { code, isConnecting } = error as DriverFacts;
  if (isConnecting === true || code === 'STATEMENT_TIMEOUT') return false;
  const outage = outageOf(error);
  return outage === 'refused' || (isUndone && outage === 'lost');
}
