/** One delivery as it came over the wire. */
export interface Delivery {
  readonly rawBody: Buffer;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The app in the path, if the path names one. */
  readonly appId: string | null;
  /** Its sender sent so much that was not from Tilled that only apps that are known already are looked at. */
  readonly isSuspect?: boolean;
  /** How long a verified delivery to an app has to wait, ms; 0 or absent takes it now. */
  readonly waitMs?: (appId: string) => Promise<number>;
}

/** What became of a delivery. */
export type Receipt =
  | { readonly kind: 'recorded' | 'duplicate'; readonly eventId: string }
  /** No app, no secret for it, or no app with the account the body names: nothing is listening here. */
  | { readonly kind: 'unknown_endpoint' }
  /** To the address of an app that was removed: nothing is kept, however it is signed. */
  | { readonly kind: 'removed' }
  /** Not signed by Tilled for this app. Nothing of it is kept. */
  | { readonly kind: 'unverified'; readonly reason: string }
  /** Signed, but by our clock too long ago or ahead: it is wrong, or somebody replays. Nothing of it is kept. */
  | { readonly kind: 'stale'; readonly reason: string }
  /** More than the app may be sent, or from an address that sends what is not Tilled's: to be delivered again later. */
  | { readonly kind: 'limited'; readonly retryAfterMs: number }
  /** Signed, but not an event, or an event of another account. */
  | { readonly kind: 'unusable'; readonly reason: string };
