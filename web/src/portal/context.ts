import type { BillingClient } from '@billing-gateway/client';
import { createContext, useContext } from 'react';
import type { Format } from '../kit/format.ts';
import type { Session, Settings } from '../kit/shapes.ts';
import type { Texts } from './texts.ts';

/** What every part of the portal knows. */
export interface Portal {
  readonly client: BillingClient;
  readonly session: Session;
  readonly settings: Settings;
  /** The app's name for its customers. */
  readonly appName: string;
  readonly texts: Texts;
  readonly format: Format;
  /** Tells people, and programs that read the page to them, what became of it. */
  readonly tell: (message: string) => void;
  /** To be called with whatever a request threw: an ended session closes the portal, the rest is told. */
  readonly onError: (error: unknown) => void;
}

export const PortalContext = createContext<Portal | null>(null);

/** The portal that this is part of. */
export function usePortal(): Portal {
  const portal = useContext(PortalContext);
  if (portal === null) throw new Error('This is not inside of the portal.');
  return portal;
}
