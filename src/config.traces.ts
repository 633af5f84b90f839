import type { EnvironmentReader } from './config.reader.js';

/** Which traces are kept: of those that nobody decided upstream, or of all. */
export interface Sampling {
  readonly kind: 'always_on' | 'always_off' | 'traceidratio';
  /** The part of traces to keep, 0 to 1; for `traceidratio`. */
  readonly ratio: number;
  /** A caller's decision stands above it. */
  readonly isParentBased: boolean;
}

/** How traces are made and sent. Headers, certificates and compression of what is sent the exporter reads itself. */
export interface Tracing {
  /** Where spans go, with its path. */
  readonly url: string;
  /** How long sending may take, with all tries, ms; null where a variable says so, which the exporter reads. */
  readonly timeoutMs: number | null;
  readonly sampling: Sampling;
  /** Whether a caller's `traceparent` is gone on from. */
  readonly followsCallers: boolean;
  /** Spans wait, and are sent together; absent for the SDK's own values. */
  readonly batch: {
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxQueueSize?: number;
    readonly maxExportBatchSize?: number;
  };
}

const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'];
const PROPAGATORS = ['tracecontext', 'baggage', 'none'];
const LOCAL_COLLECTOR = 'http://localhost:4318';
const EXPORT_MS_MAX = 3_000;

/**
 * Reads OpenTelemetry's standard variables. Null where no traces are wanted: by default, unlike the standard, which
 * would send to this machine unasked; OTEL_TRACES_EXPORTER=otlp asks for just that.
 */
export function readTracing(reader: EnvironmentReader): Tracing | null {
  const exporter = reader.text('OTEL_TRACES_EXPORTER');
  if (exporter !== undefined) reader.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp', 'where traces go');
  const protocol = reader.text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? reader.text('OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol === 'grpc') reader.wrong('OTEL_EXPORTER_OTLP_PROTOCOL', 'is grpc: traces are sent over HTTP only', 'http/json');
  const own = address(reader, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const common = address(reader, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? (exporter === 'otlp' ? LOCAL_COLLECTOR : undefined);
  const url = own ?? (common === undefined ? undefined : `${common.replace(/\/+$/, '')}/v1/traces`);
  const hasTimeout = [reader.text('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'), reader.text('OTEL_EXPORTER_OTLP_TIMEOUT')].some((text) => text);
  const timeoutMs = hasTimeout ? null : EXPORT_MS_MAX;
  const tracing = { timeoutMs, sampling: readSampling(reader), followsCallers: followsCallers(reader), batch: readBatch(reader) };
  const isOff = reader.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || exporter === 'none';
  return isOff || url === undefined ? null : { url, ...tracing };
}

function address(reader: EnvironmentReader, name: string): string | undefined {
  const endpoint = reader.text(name);
  if (endpoint !== undefined && (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)))
    reader.wrong(name, 'is not an http:// or https:// address', 'http://127.0.0.1:4318');
  return endpoint;
}

function readSampling(reader: EnvironmentReader): Sampling {
  const sampler = reader.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on', 'which traces are kept');
  const text = reader.text('OTEL_TRACES_SAMPLER_ARG');
  const ratio = Number(text ?? 1);
  if (sampler.endsWith('traceidratio') && !(ratio >= 0 && ratio <= 1))
    reader.wrong('OTEL_TRACES_SAMPLER_ARG', 'is not a part from 0 to 1', '0.1');
  const kind = sampler.replace('parentbased_', '') as Sampling['kind'];
  return { kind, ratio, isParentBased: sampler.startsWith('parentbased_') };
}

/** Baggage is none of ours: it is let in, and nothing of it is kept. */
function followsCallers(reader: EnvironmentReader): boolean {
  const named = (reader.text('OTEL_PROPAGATORS') ?? 'tracecontext,baggage').split(',').map((name) => name.trim());
  const unknown = named.filter((name) => !PROPAGATORS.includes(name));
  if (unknown.length > 0)
    reader.wrong('OTEL_PROPAGATORS', `has ${unknown.join(', ')}; known are ${PROPAGATORS.join(', ')}`, 'tracecontext');
  return named.includes('tracecontext');
}

function readBatch(reader: EnvironmentReader): Tracing['batch'] {
  const number = (name: string, purpose: string) =>
    reader.text(name) === undefined ? undefined : reader.integer(name, 1, { min: 1, max: 3_600_000, purpose });
  const read = {
    scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY', 'how long spans wait, in ms'),
    exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT', 'how long sending may take, in ms'),
    maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE', 'how many spans may wait'),
    maxExportBatchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'how many spans are sent together'),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}
