import type { BillingEvent } from '@billing-gateway/client';

/** What the shop knows of the payment of an order. */
export interface Order {
  status: string;
  /** Of the last event of this payment that was looked at. */
  sequence: number;
}

/** As much of a payment as tells about its order. */
interface Told {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
}

/** A payment as it was last heard of. */
interface Known extends Told {
  readonly sequence: number;
}

/**
 * The orders of this shop, in memory: a real one has tables, and looks at an event in one transaction with what it
 * changes.
 */
export class Orders {
  /** The payments of each order: after a decline another one is tried. At most one takes the money. */
  private readonly orders = new Map<string, Map<string, Known>>();

  /** The order as its newest payment has it: one is begun only when none before it took the money, or still may. */
  find(id: string): Order | undefined {
    const [newest] = [...(this.orders.get(id)?.values() ?? [])].sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
    return newest && { status: newest.status, sequence: newest.sequence };
  }

  /** What a call answered; events of the payment know better. */
  note(id: string, payment: Told): void {
    this.learn(id, payment, 0);
  }

  /** An event may come twice, or after a later one that was sent again: `sequence` tells, for each payment. */
  take(event: BillingEvent): void {
    const { object, sequence } = event.data;
    if (object.__typename === 'Payment' && object.referenceId !== null) this.learn(object.referenceId, object, sequence);
  }

  private learn(order: string, { id, status, createdAt }: Told, sequence: number): void {
    const payments = this.orders.get(order) ?? new Map<string, Known>();
    this.orders.set(order, payments);
    const known = payments.get(id);
    if (known === undefined || known.sequence < sequence) payments.set(id, { id, status, createdAt, sequence });
  }
}
