import { dirname } from 'node:path';
import { PageFile, type TreeRoot } from '../lmdb-pages';
import { KEY_BYTES, keyOf, SPACE_END, writeKey } from '../queue-key';
import { whyDamaged } from '../sealed-record';
import { APPLIED, NEEDED, numberIn, REDO_ID } from '../store-life';
import { TreeWalk } from '../tree-walk';
import { readSegmentHead } from './format';
import { readRedoFiles, type RedoFile, RedoImage, type RedoPosition } from './reader';

/** A node that runs may use a segment again while it is read. */
const READS_MAX = 10;

/** A store's pages, and the redo log that belongs to them. */
export interface StoreImage {
  readonly pages: PageFile;
  readonly root: TreeRoot;
  readonly redo: RedoImage;
}

/**
 * Opens the file of a store and reads the redo log beside it, without LMDB; also while a node runs.
 * @param back 0 for its newest state, 1 for that before its last transaction
 * @throws StoreDamagedError when it is no store
 */
export function openStoreImage(file: string, back: 0 | 1): StoreImage {
  for (let reads = 1; ; reads++) {
    // The redo log first: what LMDB gets meanwhile is in both, and nothing is in neither.
    const files = readRedoFiles(dirname(file));
    const pages = new PageFile(file);
    const root = pages.roots[back] as TreeRoot;
    const redo = new RedoImage(files, positionIn(pages, root) ?? guessed(files));
    if (redo.damages.length === 0 || reads === READS_MAX) return { pages, root, redo };
    pages.close();
  }
}

/** What a store says of its redo log; null when that cannot be read. */
function positionIn(pages: PageFile, root: TreeRoot): RedoPosition | null {
  const numbers = new Map<number, number>();
  let isLost = false;
  new TreeWalk(pages, {
    record: (id, record) => {
      if (id.length !== KEY_BYTES || id[0] !== SPACE_END) return;
      const key = keyOf(id, 0);
      if (whyDamaged(SPACE_END, 0, key, record, record.length) === null) numbers.set(key, numberIn(record));
      else isLost = true;
    },
    lost: () => (isLost = true),
  }).walk(root, firstOwn());
  if (isLost) return null;
  return { id: numbers.get(REDO_ID) ?? 0, applied: numbers.get(APPLIED) ?? 0, needed: numbers.get(NEEDED) ?? 0 };
}

/** The store's own records are behind all others. */
function firstOwn(): Buffer {
  const first = Buffer.alloc(KEY_BYTES);
  writeKey(new DataView(first.buffer, first.byteOffset), 0, SPACE_END, 0, 0);
  return first;
}

/** All that there is of the newest redo log. What LMDB has of it already is the same once more. */
function guessed(files: readonly RedoFile[]): RedoPosition {
  const heads = files.flatMap(({ bytes }) => readSegmentHead(bytes) ?? []);
  const [newest] = heads.sort((a, b) => b.number - a.number);
  return { id: newest?.id ?? 0, applied: 0, needed: 0 };
}
