import type { Refusal } from './refusals';

/** A large message that has its place in a queue while its parts are being stored for several queues at once. */
export interface PlacedLarge {
  /** The number of its parts. */
  readonly body: number;
  /** All parts are in groups that come before this turn's, or in it. */
  stored(): void;
  /** It will not be stored. */
  failed(refusal: Refusal): void;
}
