import type { SchemaState } from './migrator.js';

/**
 * What is wrong with a schema that this build does not run on, and what to do; the words follow the name of its
 * database.
 */
export function schemaInWords(state: Exclude<SchemaState, { readonly kind: 'ready' | 'foreign' }>): string {
  if (state.kind === 'ahead')
    return `was migrated by a newer release that this one cannot run beside (${state.by.join(', ')}). Run that release, or take it back with it: billing migrate --down`;
  const begun = state.begun.length === 0 ? '' : `; ${state.begun.join(', ')} is begun and not finished`;
  return `is not migrated: ${state.pending.length} to go (${state.pending.join(', ')})${begun}. Run: billing migrate`;
}
