/** Something out of reach or out of order, without which the process still serves: since when, and what was said last. */
export interface Degradation {
  readonly what: 'tilled' | 'clock';
  readonly since: string;
  readonly reason: string;
}
