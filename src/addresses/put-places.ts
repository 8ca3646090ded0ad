const INITIAL = 64;

/** Places of messages in their lanes, by slot. */
export class PutPlaces {
  #places = new Float64Array(INITIAL);

  set(slot: number, at: number): void {
    if (slot >= this.#places.length) {
      const grown = new Float64Array(Math.max(this.#places.length * 2, slot + 1));
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[slot] = at;
  }

  of(slot: number): number {
    return this.#places[slot] as number;
  }
}
