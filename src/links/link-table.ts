import type { Adjacency } from './adjacency';
import { LinkRefusedError } from './errors';
import { LINKS_MAX } from './limits';

/**
 * All links of this node by a small integer index. The index of a link whose transport is gone rests until `recycle`, so that
 * a routing table made before cannot lead to another link by it.
 */
export class LinkTable {
  readonly #slots: (Adjacency | null)[] = [];
  #all: readonly Adjacency[] = [];
  /** The newest link of each key. */
  readonly #byKey = new Map<string, Adjacency>();
  #resting: number[] = [];
  #free: number[] = [];

  /** @throws LinkRefusedError when there are too many */
  add(make: (link: number) => Adjacency): Adjacency {
    const link = this.#free.pop() ?? this.#slots.length;
    if (link >= LINKS_MAX) throw new LinkRefusedError('FL_LINK_LIMIT', `this node has ${LINKS_MAX} links already`);
    const adjacency = make(link);
    this.#slots[link] = adjacency;
    this.#all = [...this.#all, adjacency];
    this.#byKey.set(adjacency.key, adjacency);
    return adjacency;
  }

  /** The link, those going down included. */
  get(link: number): Adjacency | undefined {
    return this.#slots[link] ?? undefined;
  }

  /** Forgets a link whose transport is gone. */
  release(adjacency: Adjacency): void {
    if (this.#slots[adjacency.link] !== adjacency) return;
    this.#slots[adjacency.link] = null;
    this.#all = this.#all.filter((other) => other !== adjacency);
    this.#resting.push(adjacency.link);
    if (this.#byKey.get(adjacency.key) === adjacency) this.#byKey.delete(adjacency.key);
  }

  /** Routes are new: the indices of forgotten links may be given to others. */
  recycle(): void {
    if (this.#resting.length === 0) return;
    this.#free = this.#free.concat(this.#resting);
    this.#resting = [];
  }

  /** The link of that key (neighbour, side, name) that is not down. */
  find(key: string): Adjacency | undefined {
    const adjacency = this.#byKey.get(key);
    return adjacency?.open === true ? adjacency : undefined;
  }

  /** Every link; the array is another one after a change, so that it may be walked while links come and go. */
  get all(): readonly Adjacency[] {
    return this.#all;
  }
}
