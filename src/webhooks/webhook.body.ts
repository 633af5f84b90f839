import type { TilledEvent } from '../tilled/tilled.shapes.js';

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
    return isEvent(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether it has what every event has. What else is in it stays as it came. */
function isEvent(value: unknown): value is TilledEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { id, account_id: accountId, type, data } = value as Partial<Record<keyof TilledEvent, unknown>>;
  const areShort = [id, accountId, type].every((text) => typeof text === 'string' && text.length > 0 && text.length <= 64);
  return areShort && typeof data === 'object' && data !== null && !Array.isArray(data);
}
