import { KEY_BYTES, writeKey } from '../queue-key';
import type { RedoImage } from './reader';

export interface FinalChange {
  readonly space: number;
  readonly queue: number;
  readonly key: number;
  /** Null when it was deleted. */
  readonly record: Buffer | null;
}

const scratch = Buffer.alloc(KEY_BYTES);
const view = new DataView(scratch.buffer, scratch.byteOffset);

/** A key as LMDB has it, to be found by. */
export function nameOf(space: number, queue: number, key: number): string {
  writeKey(view, 0, space, queue, key);
  return scratch.toString('latin1');
}

/** Of each record that a redo log changes the last change, by {@link nameOf}. */
export function finalChanges(image: RedoImage): Map<string, FinalChange> {
  const changes = new Map<string, FinalChange>();
  image.visit((space, queue, key, record) => {
    changes.set(nameOf(space, queue, key), { space, queue, key, record });
  });
  return changes;
}
