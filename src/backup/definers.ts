const USER = '(?:`[^`]*`|[^\\s@`]+)@(?:`[^`]*`|[^\\s`]+)';
const OF_A_DUMP = new RegExp(`^(/\\*!50013 )DEFINER=${USER} (?=SQL SECURITY )`);
const OF_A_LOG = new RegExp(`^(CREATE [^\`'"]*)DEFINER=${USER}\\s+`, 'i');

/**
 * A line of a dump without the user whom a view belongs to: whoever restores it has it then. To make a view in
 * somebody else's name takes rights that nobody else needs, and that user may not be there.
 */
export function dumpedWithoutDefiner(line: string): string {
  return line.replace(OF_A_DUMP, '$1');
}

/** The same for a statement of a binary log. */
export function loggedWithoutDefiner(statement: string): string {
  return statement.replace(OF_A_LOG, '$1');
}
