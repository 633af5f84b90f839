import { Command } from 'commander';
import { stopMsMax, workMsMax } from '../config.stopping.js';
import { askedToEnd, endWithin, endWork } from '../platform/ending.js';
import { serveOps } from '../platform/ops-server.js';
import type { WithGateway } from './kit.js';

/** How long the log may take for its last lines, ms. */
const LAST_LINES_MS = 1_000;

/** billing worker: queued work in a process of its own. */
export function workerCommand(withGateway: WithGateway): Command {
  return new Command('worker')
    .description('Handles queued work: webhooks, unfinished mutations, schedules. Any number may run beside any number of gateways.')
    .action(() =>
      withGateway(
        async (gateway, { host, workerPort: port, metricsAccess, tracing, tilledTimeoutMs }) => {
          // Listened for before anybody is told that we run, and may want us to end.
          let isEnding = false;
          const asked = askedToEnd();
          const tracer = tracing === null ? null : await import('../platform/tracing.js');
          const stopTracing = tracing === null ? undefined : tracer?.startTracing({ tracing, service: 'billing-worker', log: gateway.log });
          const { registry } = gateway.metrics;
          const ops =
            port === null
              ? null
              : await serveOps({ health: { ...gateway, isEnding: () => isEnding }, registry, metricsAccess, host, port });
          await gateway.startWork();
          gateway.log.info('worker started');
          const signal = await asked;
          isEnding = true;
          gateway.log.info('worker draining', { signal });
          endWithin(stopMsMax({ tilledTimeoutMs, drainMs: 0 }), gateway.log);
          await endWork(gateway, Promise.resolve(), workMsMax(tilledTimeoutMs));
          ops?.closeAllConnections();
          ops?.close();
          await stopTracing?.();
          gateway.log.info('worker stopped');
          // Lines that nobody reads, or a disk that does not answer, would keep the process.
          setTimeout(() => process.exit(), LAST_LINES_MS).unref();
        },
        { isLoud: true },
      ),
    );
}
