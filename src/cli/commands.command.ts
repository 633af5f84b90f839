import { Command } from 'commander';

/** A command as programs read it: runbooks are held against this. */
interface ShownCommand {
  /** As it is typed, after `billing`. */
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly required: boolean }[];
  readonly options: readonly { readonly flag: string; readonly takesValue: boolean; readonly required: boolean }[];
}

/** billing commands: every command there is. */
export function commandsCommand(program: Command): Command {
  return new Command('commands')
    .description('Prints every command with its arguments and options, as JSON.')
    .action(() => void process.stdout.write(`${JSON.stringify(shownBelow(program, ''), null, 2)}\n`));
}

function shownBelow(parent: Command, prefix: string): ShownCommand[] {
  return parent.commands.flatMap((command) => {
    const name = `${prefix}${command.name()}`;
    const shown = {
      name,
      description: command.description(),
      arguments: command.registeredArguments.map((argument) => ({ name: argument.name(), required: argument.required })),
      options: command.options.map((option) => ({
        flag: option.long ?? option.flags,
        takesValue: option.required || option.optional,
        required: option.mandatory,
      })),
    };
    return [shown, ...shownBelow(command, `${name} `)];
  });
}
