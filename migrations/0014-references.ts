import { PortableMigration } from './portable-migration.js';

/**
 * A reference names an order, not an attempt. What was unique is now who may take its money: the reference itself may be
 * on several payments or refunds, and the column of who holds it on one. What is over holds nothing.
 */
export class Migration0014References extends PortableMigration {
  protected readonly statements = ['payments', 'refunds'].flatMap((noun) => [
    `alter table billing_${noun} add column reference_held varchar(255) null`,
    `update billing_${noun} set reference_held = reference_id where reference_held is null and status not in ('FAILED', 'CANCELED')`,
    `create unique index billing_${noun}_reference_held on billing_${noun} (app_id, reference_held)`,
    {
      up: `drop index billing_${noun}_reference on billing_${noun}`,
      down: `create unique index billing_${noun}_reference on billing_${noun} (app_id, reference_id)`,
    },
    `create index billing_${noun}_reference on billing_${noun} (app_id, reference_id, id)`,
  ]);
}
