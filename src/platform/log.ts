import path from 'node:path';
import winston from 'winston';
import DailyRotateFile from 'winston-daily-rotate-file';
import type { LogFiles } from '../config.observing.js';
import { withoutCardData } from './card-data.js';
import { hasCardNumber } from './card-number.js';
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
}

/**
 * A log that writes JSON to stdout, and to a file a day if told where; `silent` writes nothing. Secrets, card and
 * bank data are blotted out on the way, once for all of them.
 */
export function createLog(level: string, files: LogFiles | null = null): Log {
  const logger = winston.createLogger({
    level: level === 'silent' ? 'error' : level,
    silent: level === 'silent',
    format: LINE,
    transports: [new winston.transports.Console(), ...(files === null || level === 'silent' ? [] : [dailyFiles(files)])],
  });
  // A full disk must not end the process: stdout has every line too.
  logger.on('error', (error: Error) =>
    process.stderr.write(`${JSON.stringify({ message: 'log file not written', error: error.message })}\n`),
  );
  return leveled(logger);
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

/** `<name>-2026-03-01.log` (UTC), a further one when it is full; what is older than the days to keep is removed. */
function dailyFiles({ directory, name, keptDays, megabytesMax }: LogFiles): DailyRotateFile {
  return new DailyRotateFile({
    dirname: directory,
    filename: `${name}-%DATE%`,
    extension: '.log',
    auditFile: path.join(directory, `.${name}-files.json`),
    utc: true,
    maxSize: `${megabytesMax}m`,
    maxFiles: `${keptDays}d`,
    options: { flags: 'a', mode: 0o600 },
  });
}

/** The same log, with its warnings, errors and risks of divergence counted, also where it writes nothing. */
export function countingLog(log: Log, metrics: Metrics): Log {
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
