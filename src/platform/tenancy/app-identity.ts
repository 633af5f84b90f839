/** The app every row read or written in a scope belongs to. */
export interface AppIdentity {
  readonly id: string;
  readonly name: string;
  /** The app's account at the processor. */
  readonly processorAccountId: string;
  /** The app's own key at the processor, sealed; null where it uses the deployment's. */
  readonly processorCredential: string | null;
  /** Since when nothing is sold for it; null where it may sell. At most five seconds old. */
  readonly suspendedAt: Date | null;
  /** Since when there is no such app any more, but for its financial records; null while there is. */
  readonly removedAt: Date | null;
  /** Where pages may stand that read answers for this app. */
  readonly corsOrigins: readonly string[];
}
