import { once } from 'node:events';
import { Command } from 'commander';
import { type BillingClient, BillingError, createClient, type FeedEvent } from '../../client/src/index.js';
import { ConfigError, readConfig } from '../config.js';
import { readDemoEnvironment } from '../demo.js';
import { newSecret, type Sign, signedHeaders, signerWith } from '../platform/standard-webhooks.js';

/** As long as the gateway gives an endpoint. */
const ANSWER_MS_MAX = 15_000;
const POLL_MS = 500;

interface ListenOptions {
  readonly forwardTo: string;
  readonly url?: string;
  readonly type?: string[];
}

/** billing events: what apps are told. */
export function eventsCommand(): Command {
  const events = new Command('events').description('What the gateway tells apps.');
  events
    .command('listen')
    .description(
      'Sends the events of an app, from now on and until Ctrl-C, to an address of this machine, signed as webhooks are. Each once.',
    )
    .requiredOption('--forward-to <url>', 'where to post them, e.g. http://127.0.0.1:3000/webhooks')
    .option('--url <url>', 'the gateway; else BILLING_URL, or the one that npm start started here')
    .option('--type <type...>', 'only these types; payment.* is a prefix')
    .action(async (options: ListenOptions) => {
      const ending = new AbortController();
      const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => ending.abort());
      await Promise.race([ended, listen(options, ending.signal)]);
    });
  return events;
}

async function listen({ forwardTo, url, type }: ListenOptions, signal: AbortSignal): Promise<void> {
  const billing = await clientFor(url);
  const secret = newSecret();
  const sign = signerWith([secret]);
  try {
    const after = await billing.events({ type }, { signal }).end();
    process.stdout.write(`Signed with ${secret} while this runs.\nEvents go to ${forwardTo} from now on.\n`);
    for await (const event of billing.events({ type, after }, { signal }).follow({ pollMs: POLL_MS })) {
      process.stdout.write(`${event.type} ${event.id} ${await post(forwardTo, sign, event)}\n`);
    }
  } catch (error) {
    if (!(error instanceof BillingError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** With the key of the environment, else of the demo app. Throws ConfigError if there is none. */
async function clientFor(url: string | undefined): Promise<BillingClient> {
  const { BILLING_URL, BILLING_SERVICE_KEY } = process.env;
  const demo = await readDemoEnvironment(readConfig(process.env, process.cwd()));
  const place = url ?? BILLING_URL ?? demo.BILLING_URL;
  const credential = BILLING_SERVICE_KEY ?? demo.BILLING_SERVICE_KEY;
  if (place === undefined) throw new ConfigError(['--url, or BILLING_URL: where the gateway is, e.g. http://127.0.0.1:4000']);
  if (credential === undefined) throw new ConfigError(['BILLING_SERVICE_KEY: a key that reads events, e.g. bg_svc_…']);
  return createClient({ url: place, credential });
}

/** The status of the answer, or why there was none. */
async function post(url: string, sign: Sign, { id, cursor: _, ...told }: FeedEvent): Promise<string> {
  const body = JSON.stringify(told);
  const headers = signedHeaders(id, new Date(), body, sign);
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  return fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }).then(
    async (answer) => {
      await answer.body?.cancel();
      return String(answer.status);
    },
    () => 'no answer',
  );
}
