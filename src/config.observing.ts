import path from 'node:path';
import type { EnvironmentReader } from './config.reader.js';
import { readTracing, type Tracing } from './config.traces.js';

/** Where a process also writes its log, a file a day. */
export interface LogFiles {
  readonly directory: string;
  /** What the names of its files begin with, so that two kinds of process may share the directory. */
  readonly name: 'gateway' | 'worker';
  readonly keptDays: number;
  /** A file that grows beyond this is followed by another one of the same day, MB. */
  readonly megabytesMax: number;
}

/** What operators see of a process. */
export interface Observing {
  /** Absent: the log goes to stdout only. */
  readonly logFiles: Omit<LogFiles, 'name'> | null;
  /** Who may read GET /metrics. */
  readonly metricsAccess: 'open' | 'closed' | { readonly token: string };
  /** Port on which `billing worker` serves /healthz and /metrics; null for none. */
  readonly workerPort: number | null;
  /** A statement that takes at least so long is logged, ms. */
  readonly slowQueryMs: number;
  /** How traces are made and sent; null for none. */
  readonly tracing: Tracing | null;
}

/** Reads what operators decide about metrics and logs. */
export function readObserving(reader: EnvironmentReader, isProduction: boolean, workingDir: string): Observing {
  return {
    logFiles: readLogFiles(reader, workingDir),
    metricsAccess: readMetricsAccess(reader, isProduction),
    workerPort:
      reader.text('BILLING_WORKER_PORT') === undefined
        ? null
        : reader.integer('BILLING_WORKER_PORT', 0, { min: 1, max: 65_535, purpose: 'the port on which a worker shows its metrics' }),
    slowQueryMs: reader.integer('BILLING_SLOW_QUERY_MS', 500, {
      min: 1,
      max: 3_600_000,
      purpose: 'from when on a statement is slow, in ms',
    }),
    tracing: readTracing(reader),
  };
}

function readLogFiles(reader: EnvironmentReader, workingDir: string): Observing['logFiles'] {
  const directory = reader.text('BILLING_LOG_DIR');
  const days = { min: 7, max: 3_650, purpose: 'how many days a log file is kept' };
  const keptDays = reader.integer('BILLING_LOG_KEPT_DAYS', 14, days);
  const size = { min: 1, max: 10_000, purpose: 'how large a log file grows, in MB' };
  const megabytesMax = reader.integer('BILLING_LOG_FILE_MB', 100, size);
  return directory === undefined ? null : { directory: path.resolve(workingDir, directory), keptDays, megabytesMax };
}

/** Without a token the metrics are everybody's on a developer's machine and nobody's in production. */
function readMetricsAccess(reader: EnvironmentReader, isProduction: boolean): Observing['metricsAccess'] {
  const token = reader.text('BILLING_METRICS_TOKEN');
  if (token === undefined) return isProduction ? 'closed' : 'open';
  if (token.length < 16) reader.wrong('BILLING_METRICS_TOKEN', 'is shorter than 16 characters', 'the output of openssl rand -hex 32');
  return { token };
}
