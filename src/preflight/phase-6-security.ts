import { findCardData } from '../platform/card-data.js';
import { hasCardNumber } from '../platform/card-number.js';
import { tenancyFaults } from '../platform/db/tenancy.check.js';
import { attestedOnly, type Check, type Finding, failed, verdict } from './check.js';
import type { PreflightParts } from './parts.js';

const UNKNOWN_MINUTES_MAX = 15;
const ROWS_LOOKED_AT = 1_000;

/** Phase 6, security, and the books that must be sound before anybody relies on them. */
export const SECURITY_CHECKS: readonly Check[] = [
  {
    id: 'tenancy.enforced',
    phase: 6,
    isAttestable: false,
    todo: 'Undo what was changed in the database beside the migrations: it would not keep apps apart.',
    look: async ({ database }) => {
      const faults = await tenancyFaults(database);
      return verdict(faults.length === 0, 'app_id leads every key, and every link carries it.', faults.slice(0, 5).join('; '));
    },
  },
  {
    id: 'pci.refused',
    phase: 6,
    isAttestable: false,
    todo: 'Card data got past the guard of this release: do not go live with it. To try the running gateway: billing smoke --card-data.',
    look: async () => cardGuard(),
  },
  {
    id: 'pci.no-card-data',
    phase: 6,
    isAttestable: false,
    todo: 'Follow ops/runbooks/card-data-refused.md, and find out how card data got into the database.',
    look: cardData,
  },
  {
    id: 'books.invariants',
    phase: 6,
    isAttestable: false,
    todo: 'See which rows: billing verify. Then ops/runbooks/divergences-open.md.',
    look: async ({ verifyBooks }) => {
      const { checked, violations } = await verifyBooks();
      return verdict(
        violations.length === 0,
        `All ${checked} invariants hold.`,
        violations
          .slice(0, 3)
          .map(({ appId, id, invariant }) => `${invariant}: ${appId} ${id}`)
          .join('; '),
      );
    },
  },
  {
    id: 'books.divergences',
    phase: 6,
    isAttestable: false,
    todo: 'Compare again: billing reconcile. Then ops/runbooks/divergences-open.md.',
    look: async ({ openDivergences }) => {
      const open = Object.entries(await openDivergences()).filter(([, count]) => count > 0);
      return verdict(
        open.length === 0,
        "Our books and Tilled's do not differ.",
        open.map(([kind, count]) => `${count} ${kind}`).join(', '),
      );
    },
  },
  {
    id: 'books.unknown',
    phase: 6,
    isAttestable: false,
    todo: 'Follow ops/runbooks/unknown-outcome-too-old.md: a worker must be running.',
    look: unknownOutcomes,
  },
  counted(
    'books.events',
    "select count(*) as n from billing_webhooks where status = 'DEAD'",
    'dead events',
    'Have them handled again: billing webhooks replay --dead.',
  ),
  counted(
    'books.jobs',
    "select count(*) as n from billing_jobs where state = 'dead'",
    'dead jobs',
    'Look at them (billing jobs list --dead), and try again: billing jobs retry --dead.',
  ),
  attestedOnly(
    6,
    'security.reviewed',
    'Run .ci/run on the commit that goes live (isolation, abuse and dependency audit), have somebody else read the changes, and attest the commit.',
  ),
];

function counted(id: string, sql: string, what: string, todo: string): Check {
  const look = async ({ database }: PreflightParts): Promise<Finding> => {
    const [row] = await database.query(sql, []);
    const count = Number(row?.n ?? 0);
    return verdict(count === 0, `No ${what}.`, `${count} ${what}.`);
  };
  return { id, phase: 6, isAttestable: false, todo, look };
}

async function unknownOutcomes({ database, now }: PreflightParts): Promise<Finding> {
  const since = new Date(now().getTime() - UNKNOWN_MINUTES_MAX * 60_000);
  const tables = ['billing_payments', 'billing_refunds'].map(
    (table) => `select id from ${table} where status = 'UNKNOWN' and updated_at < ?`,
  );
  const rows = await database.query(tables.join(' union all '), [since, since]);
  return verdict(
    rows.length === 0,
    `No outcome is unknown for over ${UNKNOWN_MINUTES_MAX} minutes.`,
    `${rows.length} outcomes are unknown: ${rows
      .slice(0, 3)
      .map((row) => String(row.id))
      .join(', ')}.`,
  );
}

/** Not sent to the gateway, since it would set off CardDataRefused. `billing smoke --card-data` does that. */
function cardGuard(): Finding {
  const number = ['4111', '1111', '1111', '1111'].join(' ');
  const bodies = [{ note: number }, { [number]: 'x' }, { card: { cvc: '123' } }, { routing_number: '021000021' }];
  const kept = bodies.filter((body) => findCardData(body) === null);
  return verdict(
    kept.length === 0,
    'The guard refuses what cards and banks have.',
    `${kept.length} of ${bodies.length} bodies with card data got past the guard.`,
  );
}

const CARD_COLUMN = /card_?number|^pan$|cvc|cvv|account_?number|routing_?number|track_?data/;

/** Looks at the names of all columns, and for card numbers in the newest rows of every text that others filled. */
async function cardData({ database }: PreflightParts): Promise<Finding> {
  const entities = [...database.orm.getMetadata().getAll().values()];
  const columns = entities.flatMap(({ tableName, props }) =>
    props.flatMap(({ fieldNames, columnTypes }) => fieldNames.map((name) => ({ table: tableName, name, type: columnTypes?.[0] ?? '' }))),
  );
  const named = columns.filter(({ name }) => CARD_COLUMN.test(name));
  if (named.length > 0) return failed(`Columns for card data: ${named.map(({ table, name }) => `${table}.${name}`).join(', ')}.`);
  const texts = columns.filter(({ type, name }) => type === 'mediumtext' || name === 'name' || name === 'reference_id');
  for (const { table, name } of texts) {
    const rows = await database.query(`select ${name} as found from ${table} order by id desc limit ${ROWS_LOOKED_AT}`, []);
    const isThere = rows.some(({ found }) => hasCardNumber(String(found)));
    if (isThere) return failed(`Something like a card number is in ${table}.${name}.`);
  }
  return verdict(
    texts.length > 0,
    `No column for card data, and no card number in the newest ${ROWS_LOOKED_AT} rows of ${texts.length} texts.`,
    'No text was looked at.',
  );
}
