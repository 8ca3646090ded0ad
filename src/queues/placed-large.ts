import type { Refusal } from './refusals';

/** A large message that has its place in a queue while its parts are being stored for several queues at once. */
export interface PlacedLarge {
  /** All parts are in groups that come before this turn's, or in it. @returns false when the queue is served no more */
  stored(): boolean;
  /** It will not be stored. */
  failed(refusal: Refusal): void;
}
