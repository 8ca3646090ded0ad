import type { AddressEntry } from './address-entry';
import { RELAY_CHOKED_MAX } from './limits';

/**
 * What an anonymous publisher is held up by. One choked address among those it names does not stop it, as it may go on to others; but
 * when many are, their consumers are slow at all that it sends: a filter's consumer chokes each name that comes, and only afterwards.
 */
export class Relay {
  readonly #choked = new Set<AddressEntry>();

  /** An address that it has published to is choked. */
  choked(entry: AddressEntry): void {
    this.#choked.add(entry);
  }

  /** One of the addresses that hold it up; null when it may go on. */
  get heldBy(): AddressEntry | null {
    const choked = this.#choked;
    if (choked.size < RELAY_CHOKED_MAX) return null;
    for (const entry of choked) if (entry.chokedBy.size === 0) choked.delete(entry);
    if (choked.size < RELAY_CHOKED_MAX) return null;
    const [first = null] = choked;
    return first;
  }
}
