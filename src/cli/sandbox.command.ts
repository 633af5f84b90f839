import { once } from 'node:events';
import { Command } from 'commander';
import { ConfigError } from '../config.js';

/** billing sandbox: the local stand-in for Tilled, alone. */
export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('Runs the local Tilled sandbox by itself and prints an account and its keys as KEY=VALUE lines.')
    .option('--port <port>', 'the port to listen on; 0 takes any free one', '4010')
    .option('--state <file>', 'where to keep its state; in memory if absent')
    .option('--seed <number>', 'the same seed and calls give the same ids and events')
    .action(async (options: { port: string; state?: string; seed?: string }) => {
      if (process.env.NODE_ENV === 'production') throw new ConfigError(['NODE_ENV is production: the sandbox is refused in production.']);
      const { startSandbox } = await import('../sandbox/sandbox.js');
      const sandbox = await startSandbox({
        port: Number(options.port),
        stateFile: options.state,
        seed: options.seed === undefined ? undefined : Number(options.seed),
      });
      const account = await sandbox.provision();
      process.stdout.write(
        `TILLED_BASE_URL=${sandbox.url}\nTILLED_ACCOUNT_ID=${account.accountId}\nTILLED_PUBLIC_KEY=${account.publishableKey}\nTILLED_SECRET_KEY=${account.secretKey}\n`,
      );
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await sandbox.close();
    });
}
