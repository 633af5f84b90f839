import type { BillingEvent } from '@billing-gateway/client';

/** What the shop knows of the payment of an order. */
export interface Order {
  status: string;
  /** Of the last event that was looked at. */
  sequence: number;
}

/**
 * The orders of this shop, in memory: a real one has a table, and looks at an event in one transaction with what it
 * changes.
 */
export class Orders {
  private readonly orders = new Map<string, Order>();

  find(id: string): Order | undefined {
    return this.orders.get(id);
  }

  /** What a call answered; events know better. */
  note(id: string, status: string): void {
    if (!this.orders.has(id)) this.orders.set(id, { status, sequence: 0 });
  }

  /** An event may come twice, or after a later one that was sent again: `sequence` tells. */
  take(event: BillingEvent): void {
    const { object, sequence } = event.data;
    if (object.__typename !== 'Payment' || object.referenceId === null) return;
    const known = this.orders.get(object.referenceId);
    if (known === undefined || known.sequence < sequence) this.orders.set(object.referenceId, { status: object.status, sequence });
  }
}
