import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** Where the binding is mapped, in a line of /proc/self/maps. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r--p .*@lmdb\/.*\.node$/gm;
/** A text of the binding, of which only the beginning is to be left. */
interface Text {
  readonly kept: string;
  readonly rest: string;
}

const TEXTS: readonly Text[] = [
  { kept: 'Attempting to write page at position %u, size %u', rest: ', blocks %u, buffer sizes %i %i %i' },
  { kept: 'MDB_PANIC', rest: ': Update of meta page failed or environment had fatal error' },
];

/**
 * Bounds what LMDB says when a write has failed. Its binding (3.0 to 3.5.6, all there are) writes past the end of what it says that in, and
 * a full disk then ends the process, at once or later, by a damaged heap:
 * - a page that could not be written is told in 100 bytes, where up to 122 may be needed, as the last three numbers are whatever was on
 *   the stack;
 * - once a meta page could not be written, every read transaction that is begun in vain hangs the text of that before the one that was
 *   not told yet, in 300 bytes: the fifth does not fit.
 *
 * There is no option that avoids it, and what is installed are built binaries; so both texts are ended sooner, in this process' memory.
 * @returns false where the system does not allow it: a write that fails may end the process there. Nothing is lost by that.
 */
export function boundErrorText(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const mappings = [...readFileSync('/proc/self/maps', 'latin1').matchAll(MAPPING)];
    for (const [, start = '', end = ''] of mappings) endTexts(parseInt(start, 16), parseInt(end, 16));
    return mappings.length > 0;
  } catch {
    return false;
  }
}

/** Done before, or in a binding without it, a text is not found, and nothing is written. */
function endTexts(start: number, end: number): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    const bytes = Buffer.alloc(end - start);
    readSync(memory, bytes, 0, bytes.length, start);
    for (const { kept, rest } of TEXTS) {
      const at = bytes.indexOf(`${kept}${rest}\0`);
      if (at >= 0) writeSync(memory, Buffer.alloc(1), 0, 1, start + at + kept.length);
    }
  } finally {
    closeSync(memory);
  }
}
