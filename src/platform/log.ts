import { Writable } from 'node:stream';
import winston from 'winston';
import type { LogFiles } from '../config.observing.js';
import { withoutCardData } from './card-data.js';
import { hasCardNumber } from './card-number.js';
import { DailyFile } from './log-file.js';
import { type LogOutlet, Losses, LostLines, type OutletName, StreamOutlet } from './log-outlet.js';
import type { Metrics } from './metrics.js';

/**
 * Facts about one event; never bodies, tokens or card data. winston would put a `message` behind the name of the event
 * and drop a `level`, so neither is a name of a field.
 */
export type LogFields = Readonly<Record<string, unknown>> & { readonly message?: never; readonly level?: never };

/** One JSON line an event, past tense: `log.info('refund mirrored', { refundId, status })`. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with fields that every line carries. */
  child(fields: LogFields): Log;
  /** Lines that never arrived; absent where nobody counts them. */
  readonly lost?: LostLines;
}

/** The log of a process, and what becomes of its lines. */
export interface ProcessLog extends Log {
  readonly lost: LostLines;
  /** Resolves once every line arrived or was lost. */
  flush(): Promise<void>;
  /** The same, and lets go of the file. */
  close(): Promise<void>;
}

/**
 * A log that writes JSON to stdout, and to a file a day if told where; `silent` writes nothing. Secrets, card and
 * bank data are blotted out on the way, once for all of them. What either does not take is lost, counted, and said
 * once: no log stops or holds up who writes it.
 */
export function createLog(level: string, files: LogFiles | null = null): ProcessLog {
  const isSilent = level === 'silent';
  const logger = winston.createLogger({ level: isSilent ? 'error' : level, silent: isSilent, format: LINE });
  const log = leveled(logger);
  const lost = new LostLines();
  const lossesOf = (to: OutletName) =>
    new Losses((lines) => lost.add(to, lines), {
      began: (reason) => log.error('log lines are lost', { to, reason }),
      ended: (lines) => log.warn('log is written again', { to, linesLost: lines }),
    });
  const outlets = isSilent ? [] : [new StreamOutlet(process.stdout, lossesOf('stdout'))];
  const all: LogOutlet[] = isSilent || files === null ? outlets : [...outlets, new DailyFile(files, lossesOf('file'))];
  for (const outlet of all) logger.add(transportTo(outlet));
  return {
    ...log,
    lost,
    flush: async () => void (await Promise.all(all.map((outlet) => outlet.flush()))),
    close: async () => void (await Promise.all(all.map((outlet) => outlet.close()))),
  };
}

/** winston holds back lines from who is slow: an outlet has taken each at once. */
function transportTo(outlet: LogOutlet): winston.transport {
  const stream = new Writable({
    decodeStrings: false,
    write(line, _, done) {
      outlet.write(line);
      done();
    },
  });
  return new winston.transports.Stream({ stream, eol: '\n' });
}

/** winston formats a line before it asks for its level: a line that is not wanted stops here. */
function leveled(logger: winston.Logger): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    if (logger.isLevelEnabled(level)) logger.log(level, message, fields);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => leveled(logger.child(fields)),
  };
}

/** The line that createLog writes of an event, for proving that secrets do not get into it. */
export function logLine(message: string, fields: LogFields): string {
  const line = LINE.transform({ level: 'info', message, ...fields });
  return typeof line === 'object' ? String(Reflect.get(line, Symbol.for('message'))) : '';
}

/** The same log, with its warnings, errors, divergence risks and lost lines counted, also where it writes nothing. */
export function countingLog(log: Log, metrics: Metrics): Log {
  log.lost?.follow((to, lines) => metrics.logLinesLost.inc({ to }, lines));
  const counted = (level: 'warn' | 'error') => (message: string, fields?: LogFields) => {
    metrics.logLines.inc({ level });
    if (fields?.['divergence_risk'] === true) metrics.divergenceRisks.inc();
    log[level](message, fields);
  };
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: counted('warn'),
    error: counted('error'),
    child: (fields) => countingLog(log.child(fields), metrics),
  };
}

/** An error as log fields: what happened and where, without the properties libraries hang on errors. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  return { error: error.message, errorName: error.name, stack: error.stack, ...cause };
}

const SECRET_NAME =
  /authorization|secret|token|password|api[-_]?key|encryption[-_]?key|cvc|cvv|card[-_]?number|account[-_]?number|routing[-_]?number|cookie|signature/i;
/** After `Bearer` a credential has a digit or is long: a short word is one of a sentence, `$NAME` one of a script. */
const SECRET_VALUE =
  /\b(?:sk|pk|whsec|bg_svc|bg_ro|bg_ops|bg_ses)_[A-Za-z0-9_-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+|\bBearer +(?!\$)(?=[^\s"',]*\d|[^\s"',]{16})[^\s"',]+/gi;
const MASK = '[redacted]';

/** Text without keys, tokens, card and bank data, for logs and for answers that repeat what was sent. */
export function redactedText(text: string): string {
  return withoutCardData(text.replace(SECRET_VALUE, MASK), MASK);
}

const redact = winston.format((info) => {
  for (const key of Object.keys(info)) {
    if (key !== 'level') info[key] = redactedField(key, info[key], 0);
  }
  return info;
});

const LINE = winston.format.combine(redact(), winston.format.timestamp(), winston.format.json());

function redactedField(name: string, value: unknown, depth: number): unknown {
  if (SECRET_NAME.test(name) && value !== null && value !== undefined) return MASK;
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'number') return hasCardNumber(String(value)) ? MASK : value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth > 5) return MASK;
  if (Array.isArray(value)) return value.map((item) => redactedField('', item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactedField(key, item, depth + 1)]));
}
