import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { composeSchema } from '../compose.js';
import { printedSchema } from '../graphql/schema.js';

const FILE = 'schema.graphql';

/** billing schema: the emitted SDL. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description(`Writes the schema to ${FILE}.`)
    .option('--check', 'write nothing; fail if the file is not what the code emits')
    .action(async (options: { check?: true }) => {
      const emitted = printedSchema(await composeSchema());
      if (!options.check) return writeFile(FILE, emitted);
      const committed = await readFile(FILE, 'utf8').catch(() => '');
      if (committed !== emitted) throw new Error(`${FILE} is not what the code emits: run npm run schema and review the difference.`);
      process.stdout.write(`${FILE} is what the code emits.\n`);
    });
}
