import { readFileSync, statSync } from 'node:fs';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Others than owner and group may read a file. */
const WORLD_READABLE = 0o004;
const QUOTED = /^(["']).*\1$/s;

/**
 * Reads variables and collects one sentence for each that is missing or wrong. The value of any of them may stand in a
 * file that `NAME_FILE` names, so that a secret is in no environment: one line, whose end does not count.
 */
export class EnvironmentReader {
  readonly problems: string[] = [];
  /** What works, and should not be so. */
  readonly warnings: string[] = [];
  private readonly told = new Set<string>();
  private readonly known = new Map<string, string | undefined>();

  constructor(private readonly environment: Environment) {}

  /** The value, trimmed; undefined when absent or empty. */
  text(name: string): string | undefined {
    if (!this.known.has(name)) this.known.set(name, this.read(name));
    return this.known.get(name);
  }

  private read(name: string): string | undefined {
    const [value, file] = [name, `${name}_FILE`].map((each) => this.environment[each]?.trim() || undefined);
    if (value !== undefined && file !== undefined)
      return this.unusable(name, `${name} and ${name}_FILE are both set, and which of them counts is not for us to guess: take one away`);
    const found = file === undefined ? value : this.contents(name, file);
    if (found === undefined || !QUOTED.test(found)) return found;
    return this.unusable(name, `${name} has quotes around its value, which would be taken as a part of it: take them away`);
  }

  private contents(name: string, file: string): string | undefined {
    const named = `${name}_FILE names a file that`;
    try {
      const text = readFileSync(file, 'utf8').trim();
      if ((statSync(file).mode & WORLD_READABLE) !== 0) this.warnings.push(`${named} every user of this machine can read: chmod 600 it`);
      if (text !== '' && !/[\r\n]/.test(text)) return text;
      return this.unusable(name, `${named} ${text === '' ? 'is empty' : 'has several lines'}: it holds the value and nothing else`);
    } catch (error) {
      return this.unusable(name, `${named} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  /** There is a value and it cannot be used: nothing else is to be said of it. */
  private unusable(name: string, problem: string): undefined {
    this.problems.push(problem);
    this.told.add(name);
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T, purpose: string): T {
    const value = this.text(name) ?? fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) this.wrong(name, `(${purpose}) is none of ${allowed.join(', ')}`, fallback);
    return found ?? fallback;
  }

  integer(name: string, fallback: number, rule: { min: number; max: number; purpose: string }): number {
    const value = this.text(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (Number.isInteger(number) && number >= rule.min && number <= rule.max) return number;
    this.wrong(name, `(${rule.purpose}) is not a whole number from ${rule.min} to ${rule.max}`, String(fallback));
    return fallback;
  }

  /** An http(s) address, without a slash at its end; null when absent. */
  url(name: string, value = this.text(name)): string | null {
    if (value === undefined) return null;
    if (!/^https?:/.test(value) || !URL.canParse(value)) this.wrong(name, 'is not an http(s):// address', 'https://billing.example.com');
    return value.replace(/\/+$/, '');
  }

  missing(name: string, purpose: string, example: string): void {
    if (!this.told.has(name)) this.problems.push(`${name} is missing: ${purpose}, for example ${example}`);
  }

  wrong(name: string, reason: string, example: string): void {
    if (!this.told.has(name)) this.problems.push(`${name} ${reason}; for example ${example}`);
  }
}
