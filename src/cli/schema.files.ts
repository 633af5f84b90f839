// First: what decorators write down needs what it loads.

import { eventsMarkdown } from '../compose.events.js';
import { composeSchema } from '../compose.js';
import { printedSchema } from '../graphql/schema.js';
import { apiMarkdown, errorsMarkdown } from './schema.markdown.js';

/** Every committed file that is made of the schema, as it has to be. */
export async function emittedFiles(): Promise<Readonly<Record<string, string>>> {
  const schema = await composeSchema();
  return {
    'schema.graphql': printedSchema(schema),
    'docs/api.md': apiMarkdown(schema),
    'docs/errors.md': errorsMarkdown(schema),
    'docs/events.md': eventsMarkdown(schema),
  };
}
