/**
 * Map from non-negative safe integers to 32-bit integers in two typed arrays: no object per entry.
 * Open addressing with linear probing and backward-shift deletion, so that it never fills with tombstones.
 */
export class IntMap {
  #keys: Float64Array;
  #values: Int32Array;
  #mask: number;
  #size = 0;

  constructor(capacity = 16) {
    let length = 16;
    while (length < capacity * 2) length *= 2;
    this.#keys = new Float64Array(length).fill(-1);
    this.#values = new Int32Array(length);
    this.#mask = length - 1;
  }

  get size(): number {
    return this.#size;
  }

  #home(key: number): number {
    return Math.imul(key | 0, 0x9e3779b1) & this.#mask;
  }

  set(key: number, value: number): void {
    if (this.#size * 2 >= this.#mask) this.#grow();
    let at = this.#home(key);
    for (;;) {
      const present = this.#keys[at];
      if (present === key) break;
      if (present === -1) {
        this.#keys[at] = key;
        this.#size++;
        break;
      }
      at = (at + 1) & this.#mask;
    }
    this.#values[at] = value;
  }

  /** The value, or -1 when absent. */
  get(key: number): number {
    const at = this.#find(key);
    return at < 0 ? -1 : (this.#values[at] as number);
  }

  /** Removes the key and returns its value, or -1 when absent. */
  take(key: number): number {
    let hole = this.#find(key);
    if (hole < 0) return -1;
    const value = this.#values[hole] as number;
    this.#size--;
    let at = hole;
    for (;;) {
      at = (at + 1) & this.#mask;
      const moving = this.#keys[at] as number;
      if (moving === -1) break;
      const home = this.#home(moving);
      if (((at - home) & this.#mask) >= ((at - hole) & this.#mask)) {
        this.#keys[hole] = moving;
        this.#values[hole] = this.#values[at] as number;
        hole = at;
      }
    }
    this.#keys[hole] = -1;
    return value;
  }

  /** Calls back for every entry, in ascending order of keys. */
  forEachSorted(visit: (key: number, value: number) => void): void {
    for (const key of this.#sorted()) visit(key, this.get(key));
  }

  /** In ascending order. */
  sortedKeys(): number[] {
    return Array.from(this.#sorted());
  }

  #sorted(): Float64Array {
    return this.#keys.filter((key) => key !== -1).sort();
  }

  clear(): void {
    this.#keys.fill(-1);
    this.#size = 0;
  }

  #find(key: number): number {
    let at = this.#home(key);
    for (;;) {
      const present = this.#keys[at];
      if (present === key) return at;
      if (present === -1) return -1;
      at = (at + 1) & this.#mask;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(keys.length * 2).fill(-1);
    this.#values = new Int32Array(keys.length * 2);
    this.#mask = this.#keys.length - 1;
    this.#size = 0;
    for (let at = 0; at < keys.length; at++) if (keys[at] !== -1) this.set(keys[at] as number, values[at] as number);
  }
}
