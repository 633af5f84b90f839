import { randomNumbers } from './ids.js';

/** A log-normal time: half of the draws are below the median; sigma is the spread, 0 for none. */
export interface LatencyShape {
  medianMs: number;
  sigma: number;
}

/** How long answers take, for load tests: one shape for all operations, others for some. Real milliseconds. */
export interface LatencyOptions extends LatencyShape {
  seed?: number;
  /** Shapes by route, such as `POST /v1/payment-intents/:id/confirm`. */
  operations?: Record<string, LatencyShape>;
}

/** Draws the time an answer takes. Without options every answer comes at once. */
export class Latency {
  private options: LatencyOptions | undefined;
  private draw: () => number = () => 0;

  constructor(options: LatencyOptions | undefined) {
    this.set(options);
  }

  set(options: LatencyOptions | undefined): void {
    this.options = options;
    this.draw = randomNumbers(options?.seed ?? 0);
  }

  /** Milliseconds for one request of an operation. */
  nextMs(operation: string): number {
    if (this.options === undefined) return 0;
    const shape = this.options.operations?.[operation] ?? this.options;
    return shape.medianMs * Math.exp(shape.sigma * this.normal());
  }

  /** A number of the standard normal distribution (Box-Muller). */
  private normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.draw())) * Math.cos(2 * Math.PI * this.draw());
  }
}
