import { loggedWithoutDefiner } from './definers.js';
import { ShortLines } from './short-lines.js';

const HEADER = /^#(\d\d)(\d\d)(\d\d) {1,2}(\d{1,2}):(\d\d):(\d\d) server id \d+ {1,2}end_log_pos (\d+)/;
/** What a program says before a statement of its own accord. */
const PRELUDE = /^(?:$|#|\/\*|use |DELIMITER |SET (?:TIMESTAMP|@|INSERT_ID|LAST_INSERT_ID))/;
const END = '/*!*/;';
const LABEL = /^\/\*M!\d+ SET @@session\.(?:gtid_seq_no|gtid_domain_id|server_id)=\d+\*\/\/\*!\*\/;$/;
const OF_ACCOUNTS =
  /^(?:grant|revoke|flush|(?:create|alter|drop|rename)\s+(?:or\s+replace\s+)?(?:user|role)|set\s+(?:password|role|default\s+role))\b/i;

/** Where an event of a log ends, and the second it is of, by the server that wrote it. */
export interface LogEvent {
  readonly at: Date;
  readonly end: number;
}

/** What a line of a log's text is, to who reads it from the first on. */
export class LogLines {
  private isBefore = false;

  /** The event that the line begins; null for any other. */
  event(line: string): LogEvent | null {
    const [, year, month, day, hour, minute, second, end] = HEADER.exec(line) ?? [];
    if (end === undefined) {
      if (line.startsWith('# at ')) this.isBefore = true;
      return null;
    }
    this.isBefore = true;
    const at = Date.UTC(2000 + Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
    return { at: new Date(at), end: Number(end) };
  }

  /** Whether the line begins what an event does: a statement, or a part of a transaction. */
  begins(line: string): boolean {
    if (!this.isBefore || PRELUDE.test(line)) return false;
    this.isBefore = false;
    return true;
  }
}

/**
 * Makes of a log's text what another server, and another user, can do again. MariaDB's transactions lose their
 * numbers, so that the server that gets them numbers them itself; views belong to whoever does this; and what was
 * done to accounts is left out: they are the server's, and not of the data.
 */
export function repeatable(): ShortLines {
  const lines = new LogLines();
  let isLeftOut = false;
  return new ShortLines((line) => {
    lines.event(line);
    if (isLeftOut) {
      isLeftOut = line !== END;
      return isLeftOut ? null : line;
    }
    if (LABEL.test(line)) return '';
    if (!lines.begins(line)) return line;
    if (!OF_ACCOUNTS.test(line)) return loggedWithoutDefiner(line);
    isLeftOut = !line.endsWith(END);
    return isLeftOut ? 'DO 0' : `DO 0${END}`;
  });
}
