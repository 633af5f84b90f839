/** What is wrong with a server, a sentence each that names the setting, its value and what to do. */
export interface ServerFaults {
  /** It would answer, and be wrong. */
  readonly refusals: readonly string[];
  /** It works, and may lose what it confirmed when its machine fails. */
  readonly warnings: readonly string[];
}

/** Variables by name, in small letters, as SHOW VARIABLES has them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What a server should take at once, bytes: many webhooks go one by one else. */
export const PACKET_BYTES_WANTED = 16 * 1_048_576;
