import type { World } from './world.js';

/** Thrown into a gateway at the moment of its death. */
class Died extends Error {}

/**
 * Lets the gateway of a world die as a process does, but at a chosen statement: from that one on, nothing reaches the
 * database, what was not committed is rolled back, and whatever it still answers does not count.
 */
export class MortalGateway {
  private left = Number.POSITIVE_INFINITY;
  private stop: () => void = () => undefined;

  constructor(private readonly world: World) {
    this.watch();
  }

  get isDead(): boolean {
    return this.left <= 0;
  }

  /** It will die at its nth statement from now; 1 is the next. */
  dieAt(statement: number): void {
    this.left = Math.min(this.left, statement);
  }

  /** It does not die any more unless told to anew; if it is dead, another takes its place. */
  async revive(): Promise<void> {
    const wasDead = this.isDead;
    if (wasDead) {
      await this.world.restart();
      this.watch();
    }
    this.left = Number.POSITIVE_INFINITY;
  }

  /** What `work` gives, or null if the gateway died over it. Throws what `work` throws while the gateway lives. */
  async survived<T>(work: () => Promise<T>): Promise<T | null> {
    const result = await work().catch((error: unknown) => {
      if (this.isDead) return null;
      throw error;
    });
    return this.isDead ? null : result;
  }

  private watch(): void {
    this.stop();
    this.stop = this.world.gateway.database.listen(() => {
      this.left -= 1;
      if (this.left <= 0) throw new Died('The gateway is dead.');
    });
  }
}
