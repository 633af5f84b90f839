import type { MigrationList } from '../src/platform/db/migration-names.js';
import { Migration0001Core } from './0001-core.js';
import { Migration0002Webhooks } from './0002-webhooks.js';
import { Migration0003Divergences } from './0003-divergences.js';
import { Migration0004Audit } from './0004-audit.js';
import { Migration0005Access } from './0005-access.js';
import { Migration0006Limits } from './0006-limits.js';
import { Migration0007Operations } from './0007-operations.js';
import { Migration0008Imports } from './0008-imports.js';
import { Migration0010Preflight } from './0010-preflight.js';
import { Migration0011UnqueuedEvents } from './0011-unqueued-events.js';
import { Migration0012Leases } from './0012-leases.js';
import { Migration0013Endings } from './0013-endings.js';
import { Migration0014References } from './0014-references.js';
import { Migration0015SubscriptionPausesAndFees } from './0015-subscription-pauses-and-fees.js';
import { Migration0016People } from './0016-people.js';
import { Migration0017Updated } from './0017-updated.js';
import { Migration0019DisputeAnswers } from './0019-dispute-answers.js';
import { Migration0022PlatformFees } from './0022-platform-fees.js';
import { Migration0030AppLife } from './0030-app-life.js';
import { Migration0031Locks } from './0031-locks.js';
import { Migration0032Heartbeat } from './0032-heartbeat.js';

/** Every migration, oldest first. Names are stored in the database and never change. */
export const MIGRATIONS: MigrationList = [
  { name: '0001-core', class: Migration0001Core },
  { name: '0002-webhooks', class: Migration0002Webhooks },
  { name: '0003-divergences', class: Migration0003Divergences },
  { name: '0004-audit', class: Migration0004Audit },
  { name: '0005-access', class: Migration0005Access },
  { name: '0006-limits', class: Migration0006Limits },
  { name: '0007-operations', class: Migration0007Operations },
  { name: '0008-imports', class: Migration0008Imports },
  { name: '0010-preflight', class: Migration0010Preflight },
  { name: '0011-unqueued-events', class: Migration0011UnqueuedEvents },
  { name: '0012-leases', class: Migration0012Leases },
  { name: '0013-endings', class: Migration0013Endings },
  { name: '0014-references', class: Migration0014References },
  { name: '0015-subscription-pauses-and-fees', class: Migration0015SubscriptionPausesAndFees },
  { name: '0016-people', class: Migration0016People },
  { name: '0017-updated', class: Migration0017Updated },
  { name: '0019-dispute-answers', class: Migration0019DisputeAnswers },
  { name: '0022-platform-fees', class: Migration0022PlatformFees },
  { name: '0030-app-life', class: Migration0030AppLife },
  { name: '0031-locks', class: Migration0031Locks },
  { name: '0032-heartbeat', class: Migration0032Heartbeat },
];
