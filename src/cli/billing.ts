import { Command } from 'commander';
import { BackupError } from '../backup/programs.js';
import { ConfigError } from '../config.js';
import { MigrationStopped } from '../platform/db/migration-stopped.js';
import { isPassing, outageInWords } from '../platform/db/outage.js';
import { DatabaseUnusable, MAY_COME_BACK } from '../platform/db/prepare.js';
import { Interrupted } from '../platform/ending.js';
import { AppError } from '../platform/errors.js';
import { guardTerminal } from '../platform/text.js';
import { VERSION } from '../platform/version.js';
import { appsCommand } from './apps.command.js';
import { backupCommand } from './backup.command.js';
import { checklistCommand } from './checklist.command.js';
import { commandsCommand } from './commands.command.js';
import { customersCommand } from './customers.command.js';
import { drillCommand } from './drill.command.js';
import { eventsCommand } from './events.command.js';
import { importCommand } from './import.command.js';
import { inspectCommand } from './inspect.command.js';
import { jobsCommand } from './jobs.command.js';
import { keysCommand } from './keys.command.js';
import { withFoundation, withGateway } from './kit.js';
import { migrateCommand } from './migrate.command.js';
import { operationsCommand } from './operations.command.js';
import { preflightCommand } from './preflight.command.js';
import { reconcileCommand } from './reconcile.command.js';
import { restoreCommand } from './restore.command.js';
import { sandboxCommand } from './sandbox.command.js';
import { schemaCommand } from './schema.command.js';
import { secretsCommand } from './secrets.command.js';
import { smokeCommand } from './smoke.command.js';
import { verifyCommand } from './verify.command.js';
import { webhooksCommand } from './webhooks.command.js';
import { workerCommand } from './worker.command.js';

/** EX_USAGE and EX_IOERR of sysexits.h. */
const USAGE = 64;
const NOT_WRITTEN = 74;

function program(): Command {
  const billing = new Command('billing').description('Operates the billing gateway of this environment.').version(VERSION);
  billing.addCommand(migrateCommand(withFoundation));
  billing.addCommand(appsCommand(withFoundation, withGateway));
  billing.addCommand(checklistCommand());
  billing.addCommand(jobsCommand(withFoundation));
  billing.addCommand(customersCommand(withGateway));
  billing.addCommand(eventsCommand());
  billing.addCommand(importCommand(withGateway));
  billing.addCommand(inspectCommand(withGateway));
  billing.addCommand(keysCommand(withFoundation));
  billing.addCommand(preflightCommand(withGateway, withFoundation));
  billing.addCommand(reconcileCommand(withGateway));
  billing.addCommand(operationsCommand(withGateway));
  billing.addCommand(backupCommand(withFoundation));
  billing.addCommand(drillCommand(withFoundation));
  billing.addCommand(restoreCommand());
  billing.addCommand(sandboxCommand());
  billing.addCommand(schemaCommand());
  billing.addCommand(secretsCommand(withFoundation));
  billing.addCommand(smokeCommand(withGateway));
  billing.addCommand(verifyCommand(withFoundation));
  billing.addCommand(webhooksCommand(withGateway));
  billing.addCommand(workerCommand(withGateway));
  billing.addCommand(commandsCommand(billing));
  return explainingUsage(billing);
}

/** A command, and all below it, that show how they are used and end with USAGE when they are called wrongly. */
function explainingUsage(command: Command): Command {
  command.showHelpAfterError().exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : USAGE));
  command.commands.forEach(explainingUsage);
  return command;
}

/**
 * A reader that goes away (`| head`) ends no work in hand, and what else is printed reaches nobody. An answer that
 * cannot be written for another reason, such as a full disk, is told, and gives the process its status.
 */
function outliveReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || process.exitCode === NOT_WRITTEN) return;
    process.exitCode = NOT_WRITTEN;
    process.stderr.write(`What was to be printed could not be written: ${error.message}\n`);
  });
}

outliveReader(process.stdout);
outliveReader(process.stderr);
// Whatever a command prints of what others wrote, no control character of theirs reaches the terminal.
guardTerminal(process.stdout);
guardTerminal(process.stderr);
program()
  .parseAsync()
  .catch((error: unknown) => {
    if (isPassing(error)) {
      process.stderr.write(`${outageInWords(error)}\n`);
      process.exit(MAY_COME_BACK);
    }
    const isExpected = [ConfigError, DatabaseUnusable, MigrationStopped, AppError, BackupError, Interrupted].some(
      (expected) => error instanceof expected,
    );
    process.stderr.write(`${isExpected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
    const hasStatus = error instanceof ConfigError || error instanceof DatabaseUnusable || error instanceof Interrupted;
    process.exit(hasStatus ? error.exitCode : 1);
  });
