import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';

const FILE = 'schema.graphql';

/** billing schema: the emitted SDL. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description(`Writes the schema to ${FILE}.`)
    .option('--check', 'write nothing; fail if the file is not what the code emits')
    .action(async (options: { check?: true }) => {
      // In this order: what decorators write down needs what compose.js loads first.
      const { composeSchema } = await import('../compose.js');
      const { printedSchema } = await import('../graphql/schema.js');
      const emitted = printedSchema(await composeSchema());
      if (!options.check) return writeFile(FILE, emitted);
      const committed = await readFile(FILE, 'utf8').catch(() => '');
      if (committed !== emitted) throw new Error(`${FILE} is not what the code emits: run npm run schema and review the difference.`);
      process.stdout.write(`${FILE} is what the code emits.\n`);
    });
}
