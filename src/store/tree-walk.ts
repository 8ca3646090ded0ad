import { BadPage, nodesOf, PAGE, type PageFile, rootOf, type TreeRoot } from './lmdb-pages';

const NODE_BYTES = 8;
/** A tree of LMDB is never deeper. */
const DEPTH_MAX = 32;
const BIG_VALUE = 1;
const SUBTREE = 2;
const TREE_BYTES = 48;

/** What a walk finds. Buffers are valid within the call. */
export interface TreeVisitor {
  record(key: Buffer, value: Buffer): void;
  /** Records with keys in [from, to) are lost, all of them or some. Null: from the first, to the last. */
  lost(from: Buffer | null, to: Buffer | null, why: string): void;
  /** A tree with a name stands in this one. */
  tree?(name: Buffer, root: TreeRoot): void;
}

interface Range {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

interface Node {
  readonly flags: number;
  readonly key: Buffer;
  /** Of a leaf: length of the value. Of a branch: its low half of the page number. */
  readonly low: number;
  readonly dataAt: number;
}

/** Visits what can be read of a tree, in order; what cannot is told with the range of keys that it had. */
export class TreeWalk {
  readonly #seen = new Set<number>();
  #least: Buffer | null = null;

  constructor(
    private readonly pages: PageFile,
    private readonly visitor: TreeVisitor,
  ) {}

  /** @param least pages all of whose keys are less are passed over */
  walk(root: TreeRoot, least: Buffer | null = null): void {
    this.#least = least;
    if (root.page !== null) this.#visit(root.page, { from: null, to: null }, 0);
  }

  #visit(number: number, range: Range, depth: number): void {
    try {
      if (this.#seen.has(number) || depth > DEPTH_MAX) throw new BadPage('its pages lead in a circle');
      this.#seen.add(number);
      const page = this.pages.page(number);
      if (page.readUInt16LE(18) === PAGE.leaf) this.#leaf(page, range);
      else this.#branch(page, range, depth);
    } catch (error) {
      if (!(error instanceof BadPage)) throw error;
      this.visitor.lost(range.from, range.to, error.message);
    }
  }

  #branch(page: Buffer, range: Range, depth: number): void {
    const children = nodesOf(page).map((at) => {
      const { flags, key, low } = nodeAt(page, at);
      return { page: low + flags * 0x1_0000_0000, key: Buffer.from(key) };
    });
    children.forEach(({ page: child, key }, n) => {
      const from = n === 0 ? range.from : key;
      const to = children[n + 1]?.key ?? range.to;
      if (this.#least && to && to.compare(this.#least) <= 0) return;
      if (isAscending(from, to)) this.#visit(child, { from, to }, depth + 1);
      else this.visitor.lost(from, to, 'a page has its keys in no order');
    });
  }

  #leaf(page: Buffer, range: Range): void {
    // A long value is read into memory of its own, and this page is read no more meanwhile.
    for (const at of nodesOf(page)) {
      try {
        this.#record(page, nodeAt(page, at), range);
      } catch (error) {
        if (!(error instanceof BadPage)) throw error;
        this.visitor.lost(range.from, range.to, error.message);
      }
    }
  }

  #record(page: Buffer, node: Node, { from, to }: Range): void {
    const { flags, key, low, dataAt } = node;
    if (!isWithin(key, from, to)) throw new BadPage('a page holds a key that belongs elsewhere');
    if (flags & BIG_VALUE) {
      if (dataAt + 8 > page.length) throw new BadPage('a value leads nowhere');
      return this.visitor.record(key, this.pages.overflow(Number(page.readBigUInt64LE(dataAt)), low));
    }
    if (dataAt + low > page.length) throw new BadPage('a value goes past its page');
    if (!(flags & SUBTREE)) return this.visitor.record(key, page.subarray(dataAt, dataAt + low));
    if (low < TREE_BYTES) throw new BadPage('the root of a tree is cut off');
    this.visitor.tree?.(Buffer.from(key), rootOf(page, dataAt, 0));
  }
}

function nodeAt(page: Buffer, at: number): Node {
  if (at + NODE_BYTES > page.length) throw new BadPage('a page leads past its end');
  const keyAt = at + NODE_BYTES;
  const dataAt = keyAt + page.readUInt16LE(at + 6);
  if (dataAt > page.length) throw new BadPage('a key goes past its page');
  return { flags: page.readUInt16LE(at + 4), key: page.subarray(keyAt, dataAt), low: page.readUInt32LE(at), dataAt };
}

function isWithin(key: Buffer, from: Buffer | null, to: Buffer | null): boolean {
  return (from === null || key.compare(from) >= 0) && (to === null || key.compare(to) < 0);
}

function isAscending(from: Buffer | null, to: Buffer | null): boolean {
  return from === null || to === null || from.compare(to) < 0;
}
