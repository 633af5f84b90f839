import { z } from 'zod';
import type { TilledEvent } from '../tilled/tilled.shapes.js';

/** What every event has. Only looked for: what else is in it stays as it came. */
const EVENT = z.object({
  id: z.string().min(1).max(64),
  account_id: z.string().min(1).max(64),
  type: z.string().min(1).max(64),
  data: z.object({}),
});

/**
 * The body of a delivery, read as an event once, when it is first asked for. Until its signature was verified nothing
 * of it may be believed, stored or logged; which secrets to try is all that may be taken from it.
 */
export class WebhookBody {
  private event: TilledEvent | null | undefined;
  private decoded: string | undefined;

  constructor(readonly bytes: Buffer) {}

  /** The event, or null where the body is none. */
  read(): TilledEvent | null {
    if (this.event === undefined) this.event = parsed(this.text());
    return this.event;
  }

  /** The event as Tilled wrote it. */
  text(): string {
    this.decoded ??= this.bytes.toString('utf8');
    return this.decoded;
  }
}

function parsed(text: string): TilledEvent | null {
  try {
    const value: unknown = JSON.parse(text);
    return EVENT.safeParse(value).success ? (value as TilledEvent) : null;
  } catch {
    return null;
  }
}
