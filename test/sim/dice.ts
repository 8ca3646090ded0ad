import { SeededRandom } from '../../src/common/ports';

/** A seeded generator with the throws that plans are made of. */
export class Dice extends SeededRandom {
  /** An integer in [min, max]. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** One of the values, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of choices) if ((left -= weight) < 0) return value;
    throw new Error('weights do not add up');
  }
}
