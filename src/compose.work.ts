import type { AccessService } from './access/access.service.js';
import type { EventPublisher } from './events/event.publisher.js';
import type { ClockWatch } from './platform/db/clock-watch.js';
import type { Workers } from './platform/jobs/workers.js';
import { errorFields, type Log } from './platform/log.js';
import type { Scope } from './platform/tenancy/scope.js';

const SCHEDULE_EVERY_MS = 300_000;

/** Who works by itself, from now on. */
interface Working {
  readonly worker: Pick<Workers, 'start'>;
  readonly publisher: EventPublisher;
}

/** Starts them, once it is known what time it is and what repeats. */
export async function startWorking(
  { worker, publisher }: Working,
  schedule: () => Promise<void>,
  { clocks, log }: { readonly clocks: ClockWatch; readonly log: Log },
): Promise<void> {
  await clocks.start();
  await schedule();
  // Apps are made while we run, by the command line.
  setInterval(() => schedule().catch((error: unknown) => log.error('schedules not made', errorFields(error))), SCHEDULE_EVERY_MS).unref();
  worker.start();
  publisher.start();
}

/** What repeats by itself in every app, once it is scheduled. */
interface Repeating {
  schedule(scope: Scope): Promise<void>;
}

/** Schedules in every app what repeats. */
export async function scheduleAll(access: AccessService, repeating: readonly Repeating[]): Promise<void> {
  for (const app of await access.listApps()) {
    const scope = await access.scopeOf(app.id, { kind: 'job' }, { requestId: 'schedule' });
    if (scope !== null) for (const one of repeating) await one.schedule(scope);
  }
}
