import { setImmediate as allElseDone } from 'node:timers/promises';
import type { Call, Effect, Route } from './call.js';
import type { Engine } from './engine.js';
import type { Fault } from './faults.js';
import { badRequest, HttpError } from './http-error.js';
import { renderDeclinedRepeat } from './resources/payment-flow.js';
import { sortedJson } from './sorted-json.js';

/** One request to be carried out, and what goes wrong with it. */
export interface Carried {
  route: Route;
  call: Call;
  path: string;
  fault: Fault | undefined;
}

/** A write under way was ended without effect: there is nothing to answer. */
export class WriteAbandoned extends Error {}

/** A write that was decided and has no effect yet. */
interface Write extends Carried {
  fault: Fault;
  key: string;
  /** Ends it before its time, with its effect or without. */
  end: (withEffect: boolean) => void;
}

const CONFIRM = '/v1/payment-intents/:id/confirm';
const CAPTURE = '/v1/payment-intents/:id/capture';
const CANCEL = '/v1/payment-intents/:id/cancel';

/**
 * Carries requests out. A fault may hold a write up between its decision and its effect: other calls then see the state
 * before, and the effect comes at its end whatever they did. An end of the caller's connection does not stop it.
 */
export class WritesUnderWay {
  private readonly writes = new Set<Write>();

  constructor(private readonly engine: Engine) {}

  /** The JSON of the answer, or ''. Rejects with HttpError when it is refused, with WriteAbandoned by abandonAll(). */
  async carryOut(request: Carried): Promise<string> {
    const { fault } = request;
    if (request.route.method !== 'GET') {
      const met = this.meet(request);
      if (met !== undefined) return json(met);
    }
    if (fault?.when !== 'during') return this.engine.transaction(() => json(begin(request)()));
    const effect = this.engine.transaction(() => begin(request));
    const { promise: ended, resolve: end } = Promise.withResolvers<boolean>();
    const timer = setTimeout(end, fault.delayMs, true);
    const write: Write = { ...request, fault, key: keyOf(request), end };
    this.writes.add(write);
    const hasEffect = await ended;
    clearTimeout(timer);
    this.writes.delete(write);
    if (!hasEffect) throw new WriteAbandoned();
    return this.engine.transaction(() => json(effect()));
  }

  /** What is under way, oldest first. */
  list(): { operation: string; path: string; account: string; fault: number }[] {
    return [...this.writes].map(({ route, path, call, fault }) => {
      return { operation: `${route.method} ${route.path}`, path, account: call.account.id, fault: fault.id };
    });
  }

  /**
   * Ends all that is under way now instead of at its time; its effects are seen when this resolves. Gives how many
   * there were.
   */
  async finishAll(): Promise<number> {
    const writes = [...this.writes];
    for (const write of writes) write.end(true);
    await allElseDone();
    return writes.length;
  }

  /** Ends all that is under way, without effect. */
  abandonAll(): void {
    for (const write of this.writes) write.end(false);
  }

  /** The answer to a request because of another under way; undefined if it is carried out. Throws HttpError. */
  private meet(request: Carried): unknown {
    const { route, call } = request;
    const writes = [...this.writes];
    const key = keyOf(request);
    const same = writes.find((write) => write.key === key);
    if (same !== undefined && same.fault.repeat !== 'allow') {
      const intent = route.path === CONFIRM ? call.engine.store.paymentIntents.get(call.id) : undefined;
      if (same.fault.repeat === 'decline' && intent !== undefined) return renderDeclinedRepeat(call.engine, intent);
      throw new HttpError(409, 'The same request is under way already');
    }
    if (route.path !== CANCEL) return undefined;
    const payment = writes.find((write) => isOfIntent(write, call) && (write.route.path === CONFIRM || write.route.path === CAPTURE));
    if (payment !== undefined && payment.fault.cancel !== 'allow') {
      throw badRequest('A payment intent cannot be canceled while its payment is under way');
    }
    return undefined;
  }
}

function isOfIntent(write: Write, call: Call): boolean {
  return write.call.id === call.id && write.call.account.id === call.account.id;
}

/** The same for the same write to the same object; of creations, which have none yet, for the same contents. */
function keyOf({ route, call, path }: Carried): string {
  const isCreation = !route.path.includes(':id');
  return [call.account.id, route.method, path, isCreation ? sortedJson(call.body) : ''].join(' ');
}

function begin({ route, call }: Carried): Effect {
  return 'begin' in route ? route.begin(call) : () => route.handle(call);
}

function json(value: unknown): string {
  return value === undefined ? '' : sortedJson(value);
}
