/** One line of what Prometheus reads: a metric, its labels, its value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a process shows on /metrics. */
export class Scrape {
  private constructor(
    readonly text: string,
    readonly samples: readonly Sample[],
  ) {}

  static of(text: string): Scrape {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Scrape(text, lines.map(parsed));
  }

  /** Reads /metrics of a gateway or worker. */
  static async from(url: string): Promise<Scrape> {
    const response = await fetch(`${url}/metrics`);
    if (!response.ok) throw new Error(`/metrics answered ${response.status}.`);
    return Scrape.of(await response.text());
  }

  /** The sum of a metric's samples with these labels; null if there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | null {
    const found = this.samples.filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, to]) => sample.labels[key] === to),
    );
    return found.length === 0 ? null : found.reduce((sum, sample) => sum + sample.value, 0);
  }

  /** By how much a metric grew since an earlier scrape; what was not there counts from 0. */
  since(earlier: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number {
    return (this.value(name, labels) ?? 0) - (earlier.value(name, labels) ?? 0);
  }
}

function parsed(line: string): Sample {
  const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === '') throw new Error(`Not a sample: ${line}`);
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text] as const);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
