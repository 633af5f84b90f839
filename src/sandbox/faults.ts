import { randomNumbers } from './ids.js';

/** What goes wrong, and with which requests. */
export interface FaultInput {
  /** Method and path, such as `POST /v1/refunds` or `* /v1/payment-intents/:id/confirm`; `*` stands for anything. */
  operation: string;
  /** How many matching requests it hits; without it and without probability, one. */
  times?: number;
  /** How many matching requests pass before it begins. */
  skip?: number;
  /** The share of matching requests it hits, drawn from the seed. */
  probability?: number;
  seed?: number;
  /** Real milliseconds of waiting. */
  delayMs?: number;
  /** The status to answer with instead. */
  status?: number;
  retryAfterSeconds?: number;
  /** The body to answer with; text goes out as HTML, anything else as JSON. */
  body?: unknown;
  /** Whether to cut the connection instead of answering. */
  drop?: boolean;
  /**
   * Whether it strikes before the request is carried out (it then is not) or after its commit. Default before.
   * During: it is decided at once, and under way for delayMs before its effect is seen.
   */
  when?: 'before' | 'after' | 'during';
  /** What the same write gets meanwhile: a decline of a confirm, 409, or it is done too. Default conflict. */
  repeat?: (typeof REPEATS)[number];
  /** Whether a payment intent can be canceled while its confirm or capture is under way. Default refuse. */
  cancel?: (typeof CANCELS)[number];
}

/** What FaultInput.repeat may be. */
export const REPEATS = ['decline', 'conflict', 'allow'] as const;

/** What FaultInput.cancel may be. */
export const CANCELS = ['refuse', 'allow'] as const;

/** A fault in force. */
export interface Fault extends FaultInput {
  id: number;
  when: 'before' | 'after' | 'during';
  hits: number;
}

interface ArmedFault {
  fault: Fault;
  pattern: RegExp;
  remaining: number;
  toSkip: number;
  draw: () => number;
}

/** The faults in force, tried in the order they were added; the first that strikes wins. */
export class Faults {
  private armed: ArmedFault[] = [];
  private count = 0;

  add(input: FaultInput): Fault {
    this.count += 1;
    const fault: Fault = { ...input, id: this.count, when: input.when ?? 'before', hits: 0 };
    const isOpenEnded = input.times === undefined && input.probability !== undefined;
    this.armed.push({
      fault,
      pattern: patternOf(input.operation),
      remaining: isOpenEnded ? Number.POSITIVE_INFINITY : (input.times ?? 1),
      toSkip: input.skip ?? 0,
      draw: randomNumbers(input.seed ?? 0),
    });
    return fault;
  }

  /** The fault that strikes this request, if any. */
  strike(method: string, path: string): Fault | undefined {
    const operation = `${method} ${path}`;
    for (const armed of this.armed) {
      if (armed.remaining <= 0 || !armed.pattern.test(operation)) continue;
      if (armed.toSkip > 0) {
        armed.toSkip -= 1;
        continue;
      }
      const { probability } = armed.fault;
      if (probability !== undefined && armed.draw() >= probability) continue;
      armed.remaining -= 1;
      armed.fault.hits += 1;
      return armed.fault;
    }
    return undefined;
  }

  list(): Fault[] {
    return this.armed.map((armed) => armed.fault);
  }

  clear(): void {
    this.armed = [];
  }
}

/** A pattern of operations: `:word` is one segment, `*` is anything. */
export function patternOf(operation: string): RegExp {
  const escaped = operation.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`);
}

/** The answer of a fault with a status: 429 as Cloudflare gives it, others as JSON unless a body is set. */
export function faultAnswer(fault: Fault & { status: number }): { status: number; headers: Record<string, string>; body: string } {
  const headers: Record<string, string> = {};
  if (fault.retryAfterSeconds !== undefined) headers['retry-after'] = String(fault.retryAfterSeconds);
  const isText = typeof fault.body === 'string' || (fault.body === undefined && fault.status === 429);
  headers['content-type'] = isText ? 'text/html; charset=UTF-8' : 'application/json; charset=utf-8';
  if (fault.status === 429) headers.server = 'cloudflare';
  if (typeof fault.body === 'string') return { status: fault.status, headers, body: fault.body };
  if (isText) return { status: fault.status, headers, body: CLOUDFLARE_1015 };
  const body = fault.body ?? { statusCode: fault.status, message: 'Internal server error' };
  return { status: fault.status, headers, body: JSON.stringify(body) };
}

const CLOUDFLARE_1015 =
  '<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>Error 1015</h1><p>You are being rate limited.</p></body></html>';
