import type { Collection, Entry } from './collection.js';
import type { Due } from './records.js';

/**
 * The records of a collection in the order they are due: by time, then rank, then age.
 * It follows the collection by itself; entries that were replaced or deleted meanwhile are skipped when they surface.
 */
export class DueQueue<T extends Due> {
  private heap: Entry<T>[] = [];

  constructor(private readonly collection: Collection<T>) {
    collection.watch((entry) => this.push(entry));
  }

  /** The next record, left in the queue, or undefined. */
  peek(): T | undefined {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined) return undefined;
      if (this.collection.entry(top.record.id) === top) return top.record;
      this.pop();
    }
  }

  /** Takes the next record due by a time out of the queue; it stays in the collection. */
  take(byMs: number): T | undefined {
    const next = this.peek();
    if (next === undefined || next.due_ms > byMs) return undefined;
    this.pop();
    return next;
  }

  /** Takes the newest of the records due by a time. */
  takeNewest(byMs: number): T | undefined {
    let due: T[] = [];
    for (let next = this.take(byMs); next !== undefined; next = this.take(byMs)) due.push(next);
    const newest = due.pop();
    for (const record of due) this.putBack(record);
    due = [];
    return newest;
  }

  /** Returns a taken record to the queue, when it is still in the collection. */
  putBack(record: T): void {
    const entry = this.collection.entry(record.id);
    if (entry !== undefined) this.push(entry);
  }

  private push(entry: Entry<T>): void {
    this.heap.push(entry);
    let child = this.heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (!this.swapIfBefore(child, parent)) return;
      child = parent;
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const child = this.isBefore(right, left) ? right : left;
      if (!this.swapIfBefore(child, parent)) return;
      parent = child;
    }
  }

  private swapIfBefore(child: number, parent: number): boolean {
    const childEntry = this.heap[child];
    const parentEntry = this.heap[parent];
    if (childEntry === undefined || parentEntry === undefined || !this.isBefore(child, parent)) return false;
    this.heap[child] = parentEntry;
    this.heap[parent] = childEntry;
    return true;
  }

  private isBefore(position: number, otherPosition: number): boolean {
    const one = this.heap[position];
    const other = this.heap[otherPosition];
    if (one === undefined) return false;
    if (other === undefined) return true;
    const difference = one.record.due_ms - other.record.due_ms || one.record.rank - other.record.rank || one.seq - other.seq;
    return difference < 0;
  }
}
