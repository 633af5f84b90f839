import { type LookupAddress, lookup, Resolver } from 'node:dns';

type Told = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** Looks all addresses of a name up. */
export type Resolve = (hostname: string, told: Told) => void;

/** How long a name server may take, ms, and how often it is asked. */
const [ANSWER_MS_MAX, TIMES_ASKED] = [3_000, 2];
/** What says that there is no such name, or no such address of it. */
const NOT_THERE: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);
/** So many names at most wait for the file of the host. */
const WAITING_MAX = 100;

/**
 * Looks names up that apps have chosen. The system's own look-up takes one of the few threads that look names up for
 * everything here, so that a name whose server does not answer would hold up the processor's and the database's.
 * So name servers are asked without a thread, for each name anew: what one of them does, no other name has to wait for.
 * What they do not know may stand in the file of the host, if `knowsHost`; there one is looked for at a time.
 */
export function namesOf({ knowsHost, servers }: { readonly knowsHost: boolean; readonly servers?: readonly string[] }): Resolve {
  const ofHost = oneAtATime((hostname, told) => lookup(hostname, { all: true }, told));
  return (hostname, told) => {
    if (knowsHost && hostname === 'localhost') return ofHost(hostname, told);
    void asked(hostname, servers).then(({ addresses, error }) => {
      if (addresses.length > 0) return told(null, addresses);
      if (error === null && knowsHost) return ofHost(hostname, told);
      return told(error ?? failure('ENOTFOUND'), []);
    });
  };
}

interface Answer {
  readonly addresses: LookupAddress[];
  /** Null if all servers know is that there is none. */
  readonly error: NodeJS.ErrnoException | null;
}

async function asked(hostname: string, servers: readonly string[] | undefined): Promise<Answer> {
  const resolver = new Resolver({ timeout: ANSWER_MS_MAX, tries: TIMES_ASKED, maxTimeout: ANSWER_MS_MAX });
  if (servers !== undefined) resolver.setServers(servers);
  const answers = await Promise.all([4, 6].map((family) => answerOf(resolver, hostname, family)));
  return { addresses: answers.flatMap(({ addresses }) => addresses), error: answers.find(({ error }) => error !== null)?.error ?? null };
}

function answerOf(resolver: Resolver, hostname: string, family: number): Promise<Answer> {
  return new Promise((resolve) => {
    const told = (error: NodeJS.ErrnoException | null, found: readonly string[]) => {
      if (error === null) return resolve({ addresses: found.map((address) => ({ address, family })), error });
      resolve({ addresses: [], error: NOT_THERE.has(error.code ?? '') ? null : failure('EAI_AGAIN') });
    };
    if (family === 4) resolver.resolve4(hostname, told);
    else resolver.resolve6(hostname, told);
  });
}

/** One look-up after the other, and no more than may wait. */
function oneAtATime(resolve: Resolve): Resolve {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return (hostname, told) => {
    if (waiting >= WAITING_MAX) return told(failure('EAI_AGAIN'), []);
    waiting += 1;
    last = last.then(
      () =>
        new Promise((done) =>
          resolve(hostname, (error, addresses) => {
            waiting -= 1;
            done();
            told(error, addresses);
          }),
        ),
    );
  };
}

/** Without the name, and in words of the system's look-up. */
function failure(code: 'ENOTFOUND' | 'EAI_AGAIN'): NodeJS.ErrnoException {
  return Object.assign(new Error('The name was not looked up.'), { code });
}
