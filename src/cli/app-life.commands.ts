import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Gateway } from '../compose.js';
import { InvalidInput, NotFound } from '../platform/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { commandScope, jsonOption, say, type WithGateway } from './kit.js';

/** billing apps suspend, resume, export and remove: the life of an app after it was made. */
export function lifeCommands(withGateway: WithGateway): readonly Command[] {
  return [suspendCommand(withGateway), resumeCommand(withGateway), exportCommand(withGateway), removeCommand(withGateway)];
}

function suspendCommand(withGateway: WithGateway): Command {
  return new Command('suspend')
    .description(
      'Lets nothing be sold for an app, in every process within five seconds. Refunds, cancellations, reads and webhooks go on, and so do its subscriptions at Tilled.',
    )
    .argument('<id>', 'the app')
    .addOption(jsonOption())
    .action((id: string, options: { json?: true }) =>
      withGateway(async (gateway) => {
        const found = await gateway.appLife.suspend(await commandScope(gateway, id));
        if (options.json) return say(JSON.stringify({ app: id, ...found }));
        say(`${id} is suspended since ${found.suspendedAt.toISOString()}: what takes money is refused with APP_SUSPENDED.`);
        say(`${found.underWay} requests that were begun before are finished.`);
        const next = found.nextPaymentAt === null ? '' : `, the next payment at ${found.nextPaymentAt}`;
        say(
          `${found.collecting} subscriptions go on to be collected by Tilled${next}. subscriptionPause and subscriptionCancel stop them.`,
        );
      }),
    );
}

function resumeCommand(withGateway: WithGateway): Command {
  return new Command('resume')
    .description('Lets a suspended app sell again, in every process within five seconds.')
    .argument('<id>', 'the app')
    .action((id: string) =>
      withGateway(async (gateway) => {
        await gateway.appLife.resume(await commandScope(gateway, id));
        say(`${id} sells again.`);
      }),
    );
}

function exportCommand(withGateway: WithGateway): Command {
  return new Command('export')
    .description(
      'Writes everything of an app into a new directory: a JSON object a line, as the API shows it, and a manifest. It holds personal data, and no secret.',
    )
    .argument('<id>', 'the app, also one that was removed')
    .requiredOption('--to <directory>', 'where; it must not be there yet. Cut off, the same command begins anew')
    .addOption(jsonOption())
    .action((id: string, options: { to: string; json?: true }) =>
      withGateway(async (gateway) => {
        const directory = path.resolve(options.to);
        const manifest = await gateway.appExport.write(await anyScope(gateway, id), directory, ({ file, rows }) => {
          if (!options.json) say(`${file.padEnd(22)} ${rows}`);
        });
        say(options.json ? JSON.stringify(manifest) : `Everything of ${id} is in ${directory}.`);
      }),
    );
}

function removeCommand(withGateway: WithGateway): Command {
  return new Command('remove')
    .description(
      'Removes a suspended app for good: erases its customers here and at Tilled, and forgets keys, sessions, secrets, documents and endpoints. Payments, refunds, disputes and their audit stay, as the law wants; so does its id.',
    )
    .argument('<id>', 'the app')
    .option('--yes <id>', 'the id once more, in place of typing it')
    .addOption(jsonOption())
    .action((id: string, options: { yes?: string; json?: true }) =>
      withGateway(async (gateway) => {
        const scope = await anyScope(gateway, id);
        await confirmed(gateway, scope, options.yes);
        const removal = await gateway.appLife.remove(scope);
        if (options.json) return say(JSON.stringify({ app: id, ...removal }));
        const { customers, keys, documents, endpoints } = removal;
        say(`Removed ${id}: ${customers} customers erased; ${keys} keys, ${documents} documents and ${endpoints} endpoints taken away.`);
        say('Payments, refunds, disputes and their audit are kept. Its id is not given again.');
        say('A restore erases its customers again from the next `billing backup --logs` on.');
      }),
    );
}

/** Throws InvalidInput unless the id was given a second time. What is in the way is said before anybody is asked. */
async function confirmed(gateway: Gateway, scope: Scope, yes: string | undefined): Promise<void> {
  const id = scope.appId;
  const isOver = scope.caller.app.removedAt !== null || (await gateway.appLife.obstacles(scope)).length > 0;
  if (isOver || yes === id) return;
  if (yes !== undefined) throw InvalidInput.because(['yes'], `--yes names ${yes}, and the app is ${id}. Nothing was done.`);
  if (!process.stdin.isTTY) throw InvalidInput.because(['yes'], `Nobody is here to ask: give --yes ${id}. Nothing was done.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const typed = await terminal.question(`This cannot be taken back. Type ${id} to remove it: `);
  terminal.close();
  if (typed.trim() !== id) throw InvalidInput.because(['yes'], 'That is not its id. Nothing was done.');
}

/** The scope of an app, also of one that was removed. */
async function anyScope({ access }: Gateway, id: string): Promise<Scope> {
  const scope = await access.scopeOf(id, { kind: 'command' }, { requestId: 'command' });
  if (scope === null) throw new NotFound('app', id, ['app']);
  return scope;
}
