import type { Random } from '../common/ports';
import { ADVANCES_MAX } from './limits';

/** Low part of an incarnation: random bits, so that two boots in one second differ. */
const RANDOM_SPAN = 0x1_0000;

/** What to do when somebody floods under this node's name. */
export type OwnNameVerdict =
  | { readonly kind: 'advance'; readonly incarnation: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'withdraw' };

const PAUSE_MS = 1_000;

/**
 * Decides between a ghost and a twin. State above one's own incarnation is at first taken for a former life's, kept by others
 * (the clock went back, the disk was lost): this node begins a new life above it. A ghost never answers that; a live twin does.
 * When it has done so `ADVANCES_MAX` times both live, and the one whose process started later (higher `born`) withdraws;
 * the other goes on, at most once a second, until it is alone.
 */
export class OwnName {
  #advances = 0;
  #nextAt = -Infinity;
  #withdrawn = false;

  constructor(
    private readonly born: number,
    private readonly random: Random,
  ) {}

  seen(incarnation: number, born: number, now: number): OwnNameVerdict {
    if (this.#withdrawn) return { kind: 'wait' };
    const above = (Math.floor(incarnation / RANDOM_SPAN) + 1) * RANDOM_SPAN + (this.random.u32() % RANDOM_SPAN);
    const twin = this.#advances >= ADVANCES_MAX;
    if (!Number.isSafeInteger(above) || (twin && this.born >= born)) {
      this.#withdrawn = true;
      return { kind: 'withdraw' };
    }
    if (twin && now < this.#nextAt) return { kind: 'wait' };
    this.#advances++;
    this.#nextAt = now + PAUSE_MS;
    return { kind: 'advance', incarnation: above };
  }
}
