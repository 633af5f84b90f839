import { patternOf } from './faults.js';
import { isObject } from './fields.js';

/** One request to the API as it was seen. Status 0: the connection was cut. */
export interface RequestEntry {
  n: number;
  at: string;
  operation: string;
  method: string;
  path: string;
  query: string;
  account: string | null;
  body: unknown;
  status: number | null;
  request_id: string;
  fault: number | null;
}

const ENTRIES_KEPT = 10_000;

/** The last requests to the API, without anything secret in them. */
export class RequestLog {
  private entries: RequestEntry[] = [];
  private count = 0;

  constructor(private readonly isOn: boolean) {}

  /** Notes a request on arrival; the status is filled in when it was answered. */
  note(entry: Omit<RequestEntry, 'n' | 'status' | 'fault'>): RequestEntry {
    this.count += 1;
    const noted: RequestEntry = { n: this.count, ...entry, status: null, fault: null };
    if (!this.isOn) return noted;
    noted.body = redacted(entry.body);
    noted.path = maskedNumbers(entry.path);
    noted.query = maskedNumbers(entry.query);
    this.entries.push(noted);
    if (this.entries.length > ENTRIES_KEPT) this.entries = this.entries.slice(ENTRIES_KEPT / 2);
    return noted;
  }

  /** Requests of an operation such as `POST /v1/refunds`, by route or by path, newer than a number. */
  list(filter: { operation?: string; afterN?: number }): RequestEntry[] {
    const pattern = filter.operation === undefined ? undefined : patternOf(filter.operation);
    return this.entries.filter((entry) => {
      if (entry.n <= (filter.afterN ?? 0)) return false;
      return pattern === undefined || entry.operation === filter.operation || pattern.test(`${entry.method} ${entry.path}`);
    });
  }

  clear(): void {
    this.entries = [];
    this.count = 0;
  }
}

const SECRET_FIELDS = new Set(['number', 'cvc', 'cvv', 'account_number', 'client_secret', 'secret', 'payment_token', 'password']);
const MASK = '***';

/** A copy of a body without card and account numbers, codes, secrets and tokens. */
function redacted(value: unknown): unknown {
  if (typeof value === 'string') return maskedNumbers(value);
  if (typeof value === 'number') return String(value).length >= 12 ? MASK : value;
  if (Array.isArray(value)) return value.map(redacted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, SECRET_FIELDS.has(key) ? MASK : redacted(item)]));
}

/** Text with every run of 12 to 19 digits masked, also when spaces or dashes part them. */
function maskedNumbers(text: string): string {
  return text.replace(/(?<![\w-])\d(?:[ -]?\d){11,18}(?!\w)/g, MASK);
}
