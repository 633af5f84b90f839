import type { Check } from './check.js';
import { BACKUP_CHECKS } from './phase-1-backups.js';
import { DATABASE_CHECKS } from './phase-1-database.js';
import { HTTPS_CHECK, TILLED_CHECKS } from './phase-2-tilled.js';
import { APPLICATION_CHECKS } from './phase-3-application.js';
import { MONITORING_CHECKS } from './phase-4-monitoring.js';
import { FINAL_CHECKS, LAUNCH_CHECKS, MIGRATION_CHECKS, PEOPLE_CHECKS, WATCH_CHECKS } from './phase-5-to-10.js';
import { SECURITY_CHECKS } from './phase-6-security.js';

/** Every check, in the order of the checklist's phases. */
export const CHECKS: readonly Check[] = [
  ...DATABASE_CHECKS,
  ...BACKUP_CHECKS,
  ...TILLED_CHECKS,
  HTTPS_CHECK,
  ...APPLICATION_CHECKS,
  ...MONITORING_CHECKS,
  ...MIGRATION_CHECKS,
  ...SECURITY_CHECKS,
  ...PEOPLE_CHECKS,
  ...FINAL_CHECKS,
  ...LAUNCH_CHECKS,
  ...WATCH_CHECKS,
];
