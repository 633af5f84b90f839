import { Command } from 'commander';
import { checklistMarkdown } from '../preflight/checklist.markdown.js';

/** billing checklist: what fulfils each checkbox of the launch checklist. */
export function checklistCommand(): Command {
  return new Command('checklist')
    .description('Prints the launch checklist and what fulfils each of its checkboxes, as Markdown (docs/checklist.md).')
    .action(() => void process.stdout.write(checklistMarkdown()));
}
