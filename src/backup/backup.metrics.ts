import type { Metrics } from '../platform/metrics.js';
import type { BackupRecords } from './backup-records.js';
import type { BackupKind } from './backup-run.entity.js';

/**
 * Tells Prometheus when a backup, a copy of the logs and a drill last went well, by the database's time, looked up at
 * each scrape. A gauge without a value says that there never was one, or that the database does not answer.
 */
export function reportBackups(metrics: Metrics, records: BackupRecords): void {
  gauge(metrics, records, { kind: 'full', name: 'billing_backup_last_success_timestamp_seconds', what: 'full backup' });
  gauge(metrics, records, { kind: 'logs', name: 'billing_backup_logs_last_success_timestamp_seconds', what: 'copy of the binary logs' });
  gauge(metrics, records, { kind: 'drill', name: 'billing_drill_last_success_timestamp_seconds', what: 'restore drill' });
}

function gauge(
  metrics: Metrics,
  records: BackupRecords,
  about: { readonly kind: BackupKind; readonly name: string; readonly what: string },
): void {
  const read = metrics.scraped.reading(
    () => records.latest(about.kind),
    () => undefined,
  );
  metrics.gauge({
    name: about.name,
    help: `When the last ${about.what} that went well ended, in seconds since 1970.`,
    async collect() {
      const found = await read();
      // Without labels a gauge begins at 0, which would read as 1970.
      this.remove();
      if (found?.lastGood != null) this.set(Math.floor(found.lastGood.finishedAt.getTime() / 1000));
    },
  });
}
