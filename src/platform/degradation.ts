/** Something that is out of order while the process still serves: since when, and what was said last. */
export interface Degradation {
  readonly what: 'tilled' | 'clock' | 'database_host' | 'replica';
  readonly since: string;
  readonly reason: string;
}
