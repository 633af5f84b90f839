import type { AccessService } from '../access/access.service.js';
import type { App } from '../access/app.entity.js';
import type { Violation } from '../backoffice/reconciliation/invariants.js';
import type { Processor } from '../billing/kit/processor.js';
import type { Config, TilledConfig } from '../config.js';
import type { PreflightConfig } from '../config.preflight.js';
import type { Database } from '../platform/db/database.js';
import type { SchemaMigrator } from '../platform/db/migrator.js';
import { isLoopbackHost } from '../platform/loopback.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { WebhookDirectory } from '../webhooks/webhook.directory.js';
import type { Attestation } from './attestation.entity.js';
import type { Attestations } from './attestations.js';

/** What checks look at. They change nothing but for two recorded events and a revoked key of their probes. */
export interface PreflightParts {
  readonly config: Config;
  readonly settings: PreflightConfig;
  readonly tilled: TilledConfig;
  /** Everything is as in production but Tilled, which is a sandbox: what cannot be true of one is not asked. */
  readonly isRehearsal: boolean;
  readonly database: Database;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  readonly processor: Processor;
  /** What deliveries to an app may be signed with. */
  readonly listeners: Pick<WebhookDirectory, 'ofApp'>;
  readonly attestations: Attestations;
  readonly verifyBooks: () => Promise<{ readonly checked: number; readonly violations: readonly Violation[] }>;
  readonly openDivergences: () => Promise<Readonly<Record<string, number>>>;
  /** The newest attestation of each check; empty where the table is not there yet. */
  readonly attested: ReadonlyMap<string, Attestation>;
  readonly now: () => Date;
}

/** At most so many apps are looked at, oldest first: preflight is about the deployment, not about every tenant. */
const APPS_MAX = 20;

/** The apps, each with a scope to ask with. Throws where there is none. */
export async function appsOf({ access }: PreflightParts): Promise<{ readonly app: App; readonly scope: Scope }[]> {
  const apps = (await access.listApps()).slice(0, APPS_MAX);
  if (apps.length === 0) throw new Error('There is no app yet: billing apps create.');
  return Promise.all(
    apps.map(async (app) => {
      const scope = await access.scopeOf(app.id, { kind: 'command' }, { requestId: 'preflight' });
      if (scope === null) throw new Error(`The app ${app.id} is gone.`);
      return { app, scope };
    }),
  );
}

/** Where the world reaches the gateway. Throws where nobody said. */
export function publicUrlOf({ settings }: PreflightParts): string {
  if (settings.publicUrl === null) throw new Error('Nobody said where the gateway is: give --url, or set BILLING_PUBLIC_URL.');
  return settings.publicUrl;
}

/** Whether an address is of this very machine. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).host);
}

const PROBE_MS_MAX = 10_000;

/** One request of a probe; ends within 10 s. Throws a sentence where nothing answers. */
export async function probe(
  url: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  try {
    const response = await fetch(url, { redirect: 'manual', ...init, signal: AbortSignal.timeout(PROBE_MS_MAX) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    throw new Error(`${url.replace(/\?.*$/, '')} does not answer.`, { cause: error });
  }
}
