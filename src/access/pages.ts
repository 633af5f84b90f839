import type { AppIdentity } from '../platform/tenancy/app-identity.js';

/** What Tilled.js is given, and where it is. */
export interface CardFieldsPlace {
  readonly scriptUrl: string;
  readonly publishableKey: string;
}

interface CardFieldsOfApp extends CardFieldsPlace {
  readonly accountId: string;
}

/** Where Tilled's own pages and its API are. */
const TILLED = /^https:\/\/([a-z0-9-]+\.)*tilled\.com$/;
const TILLED_SCRIPT = 'https://js.tilled.com/v2';

/** The script that collects cards for whoever asks this API: what stands in for Tilled has one of its own. */
export function cardFieldsAt({ baseUrl, publicKey }: { readonly baseUrl: string; readonly publicKey: string }): CardFieldsPlace {
  const { origin } = new URL(baseUrl);
  return { scriptUrl: TILLED.test(origin) ? TILLED_SCRIPT : `${origin}/v2`, publishableKey: publicKey };
}

/** Where the pages for people are, and what they collect cards with. */
export class Pages {
  /** `publicUrl`: where the world reaches this gateway, without a slash at its end; null where nobody said. */
  constructor(
    private readonly publicUrl: string | null,
    private readonly cardFields: CardFieldsPlace,
  ) {}

  /** Whose script, and whose frames, collect cards. */
  get scriptOrigin(): string {
    return new URL(this.cardFields.scriptUrl).origin;
  }

  /** Opens the portal with a session; null where nobody knows how this gateway is reached. */
  portal(token: string): string | null {
    // After the #: what stands there is sent to no server, and so in no log.
    return this.publicUrl === null ? null : `${this.publicUrl}/portal/#${token}`;
  }

  /** How cards of an app's customers are collected; null where its public key is not known. */
  cardFieldsOf({ processorAccountId, processorCredential }: AppIdentity): CardFieldsOfApp | null {
    return processorCredential === null ? { ...this.cardFields, accountId: processorAccountId } : null;
  }
}
