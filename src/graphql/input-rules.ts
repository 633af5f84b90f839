import { createRequire } from 'node:module';
import type { ValidationError, ValidatorOptions } from 'class-validator';

/**
 * The rules of class-validator that our inputs have, each loaded by itself. Its front door loads some three hundred
 * modules, such as the telephone numbers of all countries, which took a twentieth of a start.
 */
type Rules = typeof import('class-validator');
const load = createRequire(import.meta.url);
const rule = <Name extends keyof Rules>(file: string, name: Name): Rules[Name] =>
  load(`class-validator/cjs/decorator/${file}`)[name] as Rules[Name];

export const IsEmail = rule('string/IsEmail', 'IsEmail');
/** The rule behind IsEmail, for what comes in by another way. */
export const isEmail = rule('string/IsEmail', 'isEmail');
export const IsIn = rule('common/IsIn', 'IsIn');
export const IsOptional = rule('common/IsOptional', 'IsOptional');
export const Length = rule('string/Length', 'Length');
export const Matches = rule('string/Matches', 'Matches');
export const Max = rule('number/Max', 'Max');
export const MaxLength = rule('string/MaxLength', 'MaxLength');
export const Min = rule('number/Min', 'Min');
export const MinLength = rule('string/MinLength', 'MinLength');
export const ValidateNested = rule('common/ValidateNested', 'ValidateNested');

const { Validator } = load('class-validator/cjs/validation/Validator') as Pick<Rules, 'Validator'>;
const validator = new Validator();

/** Every rule of the input's class that is broken; empty if none is. */
export function brokenRules(input: object, options: ValidatorOptions): ValidationError[] {
  return validator.validateSync(input, options);
}
