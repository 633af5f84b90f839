import { placeOf, TILLED_SECRET_KEY } from './access/secret-places.js';
import { Processor } from './billing/kit/processor.js';
import type { Foundation } from './compose.foundation.js';
import type { TilledConfig } from './config.js';
import type { Degradation } from './platform/degradation.js';
import { TILLED_OPERATIONS, TilledClient } from './tilled/tilled.client.js';
import { TILLED_FAILURES } from './tilled/tilled.errors.js';
import { TilledHttp } from './tilled/tilled.http.js';

/** How a process reaches Tilled. */
export interface TilledParts {
  readonly tilled: TilledConfig;
  readonly tilledTimeoutMs: number;
  /** For catching up, on a database that was just restored: Tilled is asked and never told anything. */
  readonly purpose?: 'catch-up';
}

/** Asks Tilled with the deployment's key or an app's own, whose client is made again when the key changes. */
export function composeProcessor(parts: TilledParts & Pick<Foundation, 'log' | 'metrics' | 'vault'>): {
  readonly processor: Processor;
  readonly degraded: () => readonly Degradation[];
} {
  const { tilled, tilledTimeoutMs: timeoutMs, purpose, log, metrics, vault } = parts;
  const allowed = purpose === 'catch-up' ? ({ allows: 'reads' } as const) : {};
  metrics.expectTilledCalls(TILLED_OPERATIONS, ['ok', ...TILLED_FAILURES]);
  const onTry = metrics.timeTilledCall.bind(metrics);
  const httpWith = (secretKey: string) => new TilledHttp({ ...tilled, secretKey, timeoutMs, log, onTry, ...allowed });
  const deployment = httpWith(tilled.secretKey);
  const own = new Map<string, { readonly credential: string; readonly http: TilledHttp; readonly client: TilledClient }>();
  // Tilled is one, whichever key it was asked with last.
  const degraded = () => [deployment, ...[...own.values()].map(({ http }) => http)].flatMap((http) => http.degradation()).slice(0, 1);
  const processor = new Processor(new TilledClient(deployment), ({ id, processorCredential: credential }) => {
    const known = own.get(id);
    if (known?.credential === credential) return known.client;
    const http = httpWith(vault.open(credential, placeOf(TILLED_SECRET_KEY, id, id)));
    const client = new TilledClient(http);
    own.set(id, { credential, http, client });
    return client;
  });
  return { processor, degraded };
}
