/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables and collects one sentence for each that is missing or wrong. */
export class EnvironmentReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** The value, trimmed; undefined when absent or empty. */
  text(name: string): string | undefined {
    const value = this.environment[name]?.trim();
    return value === '' ? undefined : value;
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

  missing(name: string, purpose: string, example: string): void {
    this.problems.push(`${name} is missing: ${purpose}, for example ${example}`);
  }

  wrong(name: string, reason: string, example: string): void {
    this.problems.push(`${name} ${reason}; for example ${example}`);
  }
}
