import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';

/** billing schema: the emitted SDL, and the documents that are made of it. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('Writes the schema to schema.graphql, and its words to docs/api.md, docs/errors.md and docs/events.md.')
    .option('--check', 'write nothing; fail if a file is not what the code emits')
    .action(async (options: { check?: true }) => {
      const { emittedFiles } = await import('./schema.files.js');
      for (const [file, emitted] of Object.entries(await emittedFiles())) {
        if (!options.check) await writeFile(file, emitted);
        else if ((await readFile(file, 'utf8').catch(() => '')) !== emitted)
          throw new Error(`${file} is not what the code emits: run npm run schema and review the difference.`);
        else process.stdout.write(`${file} is what the code emits.\n`);
      }
    });
}
