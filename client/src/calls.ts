import { BillingError, UserError } from './errors.js';
import { type FeedEvent, feedEvent } from './events.js';
import { Feed } from './feed.js';
import { type IntentKey, intentKey, type KeyStorage, mintKey, noteAnswer } from './keys.js';
import { List, type Page } from './list.js';
import type { Event } from './methods.generated.js';
import { type Patience, repeating } from './repeat.js';
import { send, userErrorOf, type Wire } from './wire.js';

/** How long a call may take, and what ends it before. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For how long it may go on, repeats included, ms. */
  readonly deadlineMs?: number | undefined;
}

/**
 * How a mutation is kept from being done twice. Without either each call is a request of its own, and its repeats are
 * not.
 */
export interface MutationOptions extends CallOptions {
  /**
   * Your own name of what you want done, such as `order-789`. Its key is kept in the storage of the client before it is
   * sent: whoever asks for the same again, also after a crash, is told what became of it. After a decline, or what else
   * ended it, the next call is a new try.
   */
  readonly intent?: string | undefined;
  /** A key of your own, or that of an error (`error.idempotencyKey`). */
  readonly idempotencyKey?: string | undefined;
}

/** What a mutation answers when all went well: no errors, and everything that it may leave out is there. */
export type Done<Payload> = {
  readonly [Field in keyof Payload as Exclude<Field, 'userErrors'>]: Field extends 'secret' | 'url'
    ? Payload[Field]
    : NonNullable<Payload[Field]>;
};

/** What a method asks. */
export interface Method {
  readonly name: string;
  /** The fields from the root to what is answered. */
  readonly path: readonly string[];
  readonly text: string;
}

/** Fields of a payload that are null although all went well. */
const OFTEN_NULL = new Set(['secret', 'url']);
const DEADLINE_MS = 120_000;
const PAGE_SIZE_MAX = 100;

/** How calls are made: with keys, repeats and errors as classes. */
export class Calls {
  constructor(
    private readonly wire: Wire,
    private readonly storage: KeyStorage,
  ) {}

  /** Carries out a mutation, at most once. Throws a UserError for what its payload says, RequestError and NoAnswer. */
  async mutate<Payload extends object>(method: Method, input: object, options: MutationOptions): Promise<Done<Payload>> {
    const { key, intent } = await this.keyFor(method, input, options);
    const question = { operation: method.name, text: method.text, variables: { input }, idempotencyKey: key };
    try {
      return await repeating(patienceOf(options), async (signal) => {
        const { data, requestId } = await send(this.wire, question, signal);
        const payload = (data[method.name] ?? { payload: null }) as Readonly<Record<string, unknown>>;
        const error = userErrorOf(question, payload, requestId);
        if (error !== null) throw error;
        const { userErrors: _, ...done } = payload;
        assertWhole(question, done);
        return done as Done<Payload>;
      });
    } catch (error) {
      // What the gateway says of the request, and of nothing else.
      if (intent !== null && error instanceof UserError) await noteAnswer(this.storage, intent, error.code);
      throw error;
    }
  }

  /** What a query answers; null where something above it is not there. */
  async query<Answer>(method: Method, variables: object, options: CallOptions): Promise<Answer> {
    const data = await this.request(method.name, method.text, variables, options);
    return (method.path.reduce<unknown>((above, field) => fieldOf(above, field), data) ?? null) as Answer;
  }

  /** A list with cursors. One below an object that is not there is empty. */
  connection<Node>(method: Method, variables: object, options: CallOptions): List<Node> {
    return new List<Node>(async (after, isEach) => {
      const size = isEach ? { first: PAGE_SIZE_MAX } : {};
      const given = { ...size, ...variables, ...(after !== null && { after }) };
      const found = await this.query<Connection<Node> | null>(method, given, options);
      return { nodes: found?.nodes ?? [], endCursor: found?.pageInfo.endCursor ?? null, hasNextPage: found?.pageInfo.hasNextPage ?? false };
    });
  }

  /** The events of the app. */
  feed(method: Method, variables: object, options: CallOptions): Feed {
    return new Feed(async (after) => {
      const { edges, pageInfo } = await this.query<EventEdges>(method, { ...variables, ...(after !== null && { after }) }, options);
      return { ...pageInfo, nodes: edges.map(({ cursor, node }) => feedEvent(node, cursor)) } satisfies Page<FeedEvent>;
    }, options.signal);
  }

  /** A list without cursors, which is read on after the id of its last entry. */
  list<Node extends { readonly id: string }>(
    method: Method,
    variables: { readonly first?: number | null },
    options: CallOptions,
  ): List<Node> {
    return new List<Node>(async (after) => {
      const first = variables.first ?? PAGE_SIZE_MAX;
      const given = { ...variables, first, ...(after !== null && { afterId: after }) };
      const nodes = (await this.query<readonly Node[] | null>(method, given, options)) ?? [];
      return { nodes, endCursor: nodes.at(-1)?.id ?? null, hasNextPage: nodes.length >= first } satisfies Page<Node>;
    });
  }

  /** The data of any operation. A mutation gets a key as all others do; its `userErrors` are the caller's to read. */
  async request(operation: string, text: string, variables: object, options: MutationOptions): Promise<Readonly<Record<string, unknown>>> {
    // Whether it is a mutation only its text knows; a key does nothing else any harm.
    const question = { operation, text, variables, idempotencyKey: options.idempotencyKey ?? mintKey() };
    const { data } = await repeating(patienceOf(options), (signal) => send(this.wire, question, signal));
    return data;
  }

  private async keyFor(method: Method, input: object, options: MutationOptions): Promise<{ key: string; intent: IntentKey | null }> {
    const { idempotencyKey: own } = input as { idempotencyKey?: string | null };
    const given = options.idempotencyKey ?? own ?? undefined;
    if (given !== undefined && options.intent !== undefined)
      throw new TypeError(`${method.name}: name the intent or give a key, not both.`);
    if (options.intent === undefined) return { key: given ?? mintKey(), intent: null };
    const intent = await intentKey(this.storage, method.name, options.intent);
    return { key: intent.key, intent };
  }
}

interface EventEdges {
  readonly edges: readonly { readonly cursor: string; readonly node: Event }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Connection<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

function patienceOf({ signal, deadlineMs = DEADLINE_MS }: CallOptions): Patience {
  return { signal, deadlineMs };
}

function fieldOf(above: unknown, field: string): unknown {
  return typeof above === 'object' && above !== null ? (above as Readonly<Record<string, unknown>>)[field] : null;
}

/** A payload without errors that lacks what it is about was not made by this API. */
function assertWhole({ operation, idempotencyKey }: { operation: string; idempotencyKey: string | null }, payload: object): void {
  const lacking = Object.entries(payload).filter(([field, value]) => value === null && !OFTEN_NULL.has(field));
  if (lacking.length === 0) return;
  const summary = `answered without ${lacking.map(([field]) => field).join(', ')}`;
  throw new BillingError('INCOMPLETE_ANSWER', { operation, summary, idempotencyKey });
}
