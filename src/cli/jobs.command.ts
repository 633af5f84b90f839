import { Command } from 'commander';
import type { Foundation } from '../compose.js';
import { InvalidInput, NotFound } from '../platform/errors.js';
import { onOneLine } from '../platform/text.js';
import { commandScopes, jsonOption, say, type WithFoundation } from './kit.js';

interface ListOptions {
  readonly app?: string;
  readonly dead?: true;
  readonly json?: true;
}

interface RetryOptions {
  readonly app?: string;
  readonly id?: string;
  readonly dead?: true;
}

/** billing jobs: queued work, and having what was given up tried again. */
export function jobsCommand(withFoundation: WithFoundation): Command {
  const jobs = new Command('jobs').description('Queued work: unfinished mutations, objects to look at again, schedules.');
  jobs
    .command('list')
    .description('What waits or is being done; with --dead only what was given up and waits for a person.')
    .option('--app <id>', 'only this app; all if absent')
    .option('--dead', 'only what was given up')
    .addOption(jsonOption())
    .action((options: ListOptions) => withFoundation((foundation) => list(foundation, options)));
  jobs
    .command('retry')
    .description('Has work that was given up tried again: one piece by its id, or all of it.')
    .option('--app <id>', 'only this app; all if absent')
    .option('--id <id>', 'this piece of work')
    .option('--dead', 'everything that was given up')
    .action((options: RetryOptions) => withFoundation((foundation) => retry(foundation, options)));
  return jobs;
}

async function list(foundation: Foundation, options: ListOptions): Promise<void> {
  for (const scope of await commandScopes(foundation, options.app)) {
    for await (const job of foundation.jobAdministration.list(scope, { isDead: options.dead === true })) {
      const { id, kind, subject, state, attempts, lastError, createdAt, dueAt } = job;
      const facts = { app: scope.appId, id, kind, subject, state, attempts, createdAt, dueAt, lastError };
      if (options.json) say(JSON.stringify(facts));
      else
        say([scope.appId, id, kind, subject, state, `${attempts} failed`, createdAt.toISOString(), onOneLine(lastError ?? '')].join('\t'));
    }
  }
}

async function retry(foundation: Foundation, options: RetryOptions): Promise<void> {
  if (!options.id && !options.dead) throw InvalidInput.because([], 'Which work? Give --id or --dead.');
  let retried = 0;
  for (const scope of await commandScopes(foundation, options.app))
    retried += await foundation.jobAdministration.retry(scope, options.id ?? null);
  if (options.id && retried === 0) throw new NotFound('dead job', options.id, ['id']);
  say(`${retried} will be tried again.`);
}
