import { Gauge, type Registry } from 'prom-client';
import type { BackupRecords } from './backup-records.js';
import type { BackupKind } from './backup-run.entity.js';

/**
 * Tells Prometheus when a backup, a copy of the logs and a drill last went well, by the database's time, looked up at
 * each scrape. A gauge without a value says that there never was one, or that the database does not answer.
 */
export function reportBackups(registry: Registry, records: BackupRecords): void {
  gauge(registry, records, { kind: 'full', name: 'billing_backup_last_success_timestamp_seconds', what: 'full backup' });
  gauge(registry, records, { kind: 'logs', name: 'billing_backup_logs_last_success_timestamp_seconds', what: 'copy of the binary logs' });
  gauge(registry, records, { kind: 'drill', name: 'billing_drill_last_success_timestamp_seconds', what: 'restore drill' });
}

function gauge(
  registry: Registry,
  records: BackupRecords,
  about: { readonly kind: BackupKind; readonly name: string; readonly what: string },
): void {
  new Gauge({
    name: about.name,
    help: `When the last ${about.what} that went well ended, in seconds since 1970.`,
    registers: [registry],
    async collect() {
      const found = await records.latest(about.kind).catch(() => null);
      // Without labels a gauge begins at 0, which would read as 1970.
      this.remove();
      if (found?.lastGood != null) this.set(Math.floor(found.lastGood.finishedAt.getTime() / 1000));
    },
  });
}
