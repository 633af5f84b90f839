/** Writes a class for each code of userErrors, from the schema, and of top-level errors, from the gateway's own list. */
import { isEnumType } from 'graphql';
import { TOP_LEVEL_CODES } from '../../src/platform/top-level-codes.ts';

/** Codes of both lists, and those whose name is taken. */
const OTHER_NAMES = { NOT_FOUND: 'AddressNotFound', INTERNAL: 'InternalError' };

/**
 * What graphql-codegen calls.
 * @param {import('graphql').GraphQLSchema} schema
 */
export function plugin(schema) {
  const codes = schema.getType('UserErrorCode');
  const refusals = isEnumType(codes) ? codes.getValues().map(({ name, description }) => [name, pascal(name), description]) : [];
  const faults = Object.entries(TOP_LEVEL_CODES).map(([name, { meaning }]) => [name, OTHER_NAMES[name] ?? pascal(name), meaning]);
  return {
    prepend: ["import { RequestError, UserError } from './errors.js';"],
    content: [
      ...refusals.map((one) => classOf('UserError', one)),
      ...faults.map((one) => classOf('RequestError', one)),
      tableOf('The class of each code of userErrors.', 'USER_ERRORS', refusals),
      tableOf('The class of each code of top-level errors.', 'REQUEST_ERRORS', faults),
    ].join('\n\n'),
  };
}

/**
 * @param {string} base
 * @param {readonly string[]} code
 */
function classOf(base, [code, name, text]) {
  return `/** ${text} */\nexport class ${name} extends ${base}<'${code}'> {}`;
}

/**
 * @param {string} doc
 * @param {string} name
 * @param {readonly (readonly string[])[]} codes
 */
function tableOf(doc, name, codes) {
  return `/** ${doc} */\nexport const ${name} = { ${codes.map(([code, of]) => `${code}: ${of}`).join(', ')} } as const;`;
}

/** @param {string} code */
function pascal(code) {
  return code.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
}
