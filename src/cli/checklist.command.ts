import { Command } from 'commander';

/** billing checklist: what fulfils each checkbox of the launch checklist. */
export function checklistCommand(): Command {
  return new Command('checklist')
    .description('Prints the launch checklist and what fulfils each of its checkboxes, as Markdown (docs/checklist.md).')
    .action(async () => {
      const { checklistMarkdown } = await import('../preflight/checklist.markdown.js');
      process.stdout.write(checklistMarkdown());
    });
}
