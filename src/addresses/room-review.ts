import type { AddressEntry } from './address-entry';
import { ROOM_REVIEW_MS } from './limits';
import type { TurnClock } from './turn-clock';

/** Addresses whose publishers want more credit than there is room for: looked at again, for room comes without a word. */
export class RoomReview {
  /** The room that there was when it was looked at. */
  #limited = new Map<AddressEntry, number>();
  #at = Infinity;

  constructor(
    private readonly clock: TurnClock,
    private readonly scheduleFlush: () => void,
  ) {}

  add(entry: AddressEntry, room: number): void {
    this.#limited.set(entry, room);
    if (this.#at !== Infinity) return;
    this.#at = this.clock.now() + ROOM_REVIEW_MS;
    this.scheduleFlush();
  }

  /** @param look told each address when it is time: `add` keeps it */
  tick(now: number, look: (entry: AddressEntry, room: number) => void): void {
    if (now < this.#at) return;
    this.#at = Infinity;
    const limited = this.#limited;
    this.#limited = new Map();
    for (const [entry, room] of limited) look(entry, room);
  }

  deadline(): number {
    return this.#at;
  }
}
