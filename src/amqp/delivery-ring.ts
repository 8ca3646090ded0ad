import { IntMap } from '../common/int-map';
import { serialDifference } from './constants';

/** Is told of deliveries in a range. */
export interface RangeVisitor {
  onDelivery(id: number, handle: number, token: number): void;
}

/** Delivery-ids from the first to the last in serial order. */
export class IdRange {
  first = 0;
  last = 0;
  isEmpty = true;

  add(id: number): void {
    if (this.isEmpty || serialDifference(id, this.first) < 0) this.first = id;
    if (this.isEmpty || serialDifference(id, this.last) > 0) this.last = id;
    this.isEmpty = false;
  }

  overlaps(first: number, last: number): boolean {
    return serialDifference(last, this.first) >= 0 && serialDifference(this.last, first) >= 0;
  }
}

const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;

/**
 * Deliveries of one session that are not settled yet, by delivery-id (32-bit serial numbers): the link's handle and a token.
 * Typed arrays indexed by id modulo capacity; what stays unsettled while the ids move on far past it goes to a map, so that one
 * forgotten delivery does not make the ring grow. Counts per block of ids let a range be walked at the cost of what is in it.
 */
export class DeliveryRing {
  #handles = new Int32Array(BLOCK).fill(-1);
  #tokens = new Float64Array(BLOCK);
  #ids = new Uint32Array(BLOCK);
  #blocks = new Uint8Array(1);
  #mask = BLOCK - 1;
  #size = 0;
  readonly #old = new OldDeliveries();

  constructor(private readonly ringMax: number) {}

  get size(): number {
    return this.#size;
  }

  add(id: number, handle: number, token: number): void {
    let at = id & this.#mask;
    while ((this.#handles[at] as number) >= 0) {
      const { length } = this.#handles;
      if (length >= this.ringMax || this.#size * 4 < length) {
        this.#retire(at);
        break;
      }
      this.#grow();
      at = id & this.#mask;
    }
    this.#handles[at] = handle;
    this.#tokens[at] = token;
    this.#ids[at] = id;
    this.#count(at, 1);
    this.#size++;
  }

  #count(at: number, by: number): void {
    const block = at >>> BLOCK_BITS;
    this.#blocks[block] = (this.#blocks[block] as number) + by;
  }

  #retire(at: number): void {
    this.#old.add(this.#ids[at] as number, this.#handles[at] as number, this.#tokens[at] as number);
    this.#handles[at] = -1;
    this.#count(at, -1);
  }

  /** The handle of its link, or -1 when it is not (any more) unsettled. */
  handle(id: number): number {
    const at = id & this.#mask;
    if (this.#ids[at] === id && (this.#handles[at] as number) >= 0) return this.#handles[at] as number;
    return this.#old.size === 0 ? -1 : this.#old.handle(id);
  }

  remove(id: number): void {
    const at = id & this.#mask;
    if (this.#ids[at] === id && (this.#handles[at] as number) >= 0) {
      this.#handles[at] = -1;
      this.#count(at, -1);
    } else if (!this.#old.remove(id)) return;
    this.#size--;
  }

  /** Visits what is unsettled from `first` to `last`, whatever the range claims; what it visits may be removed, and added to. */
  visit(first: number, last: number, visitor: RangeVisitor): void {
    if (this.#old.size > 0) this.#visitAll(this.#old.within(first, last), visitor);
    const count = serialDifference(last, first) + 1;
    if (count > this.#handles.length) {
      this.#visitAll(this.#within(first, last), visitor);
      return;
    }
    for (let step = 0; step < count && this.#size > 0; step++) {
      const id = (first + step) >>> 0;
      const at = id & this.#mask;
      if ((id & (BLOCK - 1)) === 0 && this.#blocks[at >>> BLOCK_BITS] === 0) {
        step += BLOCK - 1;
        continue;
      }
      const handle = this.#handles[at] as number;
      if (handle >= 0 && this.#ids[at] === id) visitor.onDelivery(id, handle, this.#tokens[at] as number);
    }
  }

  #visitAll(ids: readonly number[], visitor: RangeVisitor): void {
    for (const id of ids) {
      const handle = this.handle(id);
      if (handle >= 0) visitor.onDelivery(id, handle, this.#token(id));
    }
  }

  #token(id: number): number {
    const at = id & this.#mask;
    return this.#ids[at] === id && (this.#handles[at] as number) >= 0
      ? (this.#tokens[at] as number)
      : this.#old.token(id);
  }

  /** Ids in the ring within a range that is longer than the ring, in their order. */
  #within(first: number, last: number): number[] {
    const ids: number[] = [];
    for (let at = 0; at < this.#handles.length; at++) {
      if ((at & (BLOCK - 1)) === 0 && this.#blocks[at >>> BLOCK_BITS] === 0) {
        at += BLOCK - 1;
        continue;
      }
      const id = this.#ids[at] as number;
      const present = (this.#handles[at] as number) >= 0;
      if (present && serialDifference(id, first) >= 0 && serialDifference(last, id) >= 0) ids.push(id);
    }
    return ids.sort(serialDifference);
  }

  /** Forgets everything of a link; its handle may be used again. @returns the first and the last id that it had */
  removeLink(handle: number): IdRange | null {
    const range = new IdRange();
    for (let at = 0; at < this.#handles.length; at++) {
      if ((at & (BLOCK - 1)) === 0 && this.#blocks[at >>> BLOCK_BITS] === 0) {
        at += BLOCK - 1;
        continue;
      }
      if (this.#handles[at] !== handle) continue;
      this.#handles[at] = -1;
      this.#count(at, -1);
      this.#size--;
      range.add(this.#ids[at] as number);
    }
    for (const id of this.#old.removeLink(handle)) {
      this.#size--;
      range.add(id);
    }
    return range.isEmpty ? null : range;
  }

  #grow(): void {
    const handles = this.#handles;
    const tokens = this.#tokens;
    const ids = this.#ids;
    const length = handles.length * 2;
    this.#handles = new Int32Array(length).fill(-1);
    this.#tokens = new Float64Array(length);
    this.#ids = new Uint32Array(length);
    this.#blocks = new Uint8Array(length >>> BLOCK_BITS);
    this.#mask = length - 1;
    for (let at = 0; at < handles.length; at++) {
      if ((handles[at] as number) < 0) continue;
      const to = (ids[at] as number) & this.#mask;
      this.#handles[to] = handles[at] as number;
      this.#tokens[to] = tokens[at] as number;
      this.#ids[to] = ids[at] as number;
      this.#count(to, 1);
    }
  }
}

/** The few that the ring has moved past: by id, and sorted for ranges. */
class OldDeliveries {
  readonly #handles = new IntMap();
  readonly #tokens = new Map<number, number>();
  /** In serial order; holds settled ones too until `within` meets many of them. */
  #sorted: number[] = [];

  get size(): number {
    return this.#handles.size;
  }

  add(id: number, handle: number, token: number): void {
    this.#handles.set(id, handle);
    this.#tokens.set(id, token);
    this.#sorted.splice(this.#from(id), 0, id);
  }

  handle(id: number): number {
    return this.#handles.get(id);
  }

  token(id: number): number {
    return this.#tokens.get(id) ?? -1;
  }

  /** @returns whether it was there */
  remove(id: number): boolean {
    if (this.#handles.take(id) < 0) return false;
    this.#tokens.delete(id);
    if (this.#handles.size === 0) this.#sorted = [];
    return true;
  }

  /** @returns the ids that it had */
  removeLink(handle: number): number[] {
    const gone = this.#sorted.filter((id) => this.#handles.get(id) === handle);
    for (const id of gone) this.remove(id);
    if (gone.length > 0) this.#compact();
    return gone;
  }

  within(first: number, last: number): number[] {
    const ids: number[] = [];
    let settled = 0;
    for (let at = this.#from(first); at < this.#sorted.length; at++) {
      const id = this.#sorted[at] as number;
      if (serialDifference(last, id) < 0) break;
      if (this.#handles.get(id) >= 0) ids.push(id);
      else settled++;
    }
    // Whoever walks over them pays once for all of them.
    if (settled > BLOCK) this.#compact();
    return ids;
  }

  #compact(): void {
    this.#sorted = this.#sorted.filter((id) => this.#handles.get(id) >= 0);
  }

  /** Where the ids from `id` on begin. */
  #from(id: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (serialDifference(this.#sorted[middle] as number, id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
