import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** Where the binding is mapped, in a line of /proc/self/maps. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r--p .*@lmdb\/.*\.node$/gm;
const KEPT = 'Attempting to write page at position %u, size %u';
const TEXT = Buffer.from(`${KEPT}, blocks %u, buffer sizes %i %i %i\0`);

/**
 * Bounds what LMDB says of a page that it could not write. Its binding (3.0 to 3.5.6, all there are) prints that into 100 bytes, where
 * up to 122 may be needed, as the last three numbers are whatever was on the stack: a full disk then ends the process, at once or later,
 * by a damaged heap. There is no option that avoids it, and what is installed are built binaries; so the text is ended sooner, in
 * this process' memory, behind its second number.
 * @returns false where the system does not allow it: a write that fails may end the process there. Nothing is lost by that.
 */
export function boundErrorText(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const mappings = [...readFileSync('/proc/self/maps', 'latin1').matchAll(MAPPING)];
    for (const [, start = '', end = ''] of mappings) endText(parseInt(start, 16), parseInt(end, 16));
    return mappings.length > 0;
  } catch {
    return false;
  }
}

/** Done before, or in a binding without it, the text is not found, and nothing is written. */
function endText(start: number, end: number): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    const bytes = Buffer.alloc(end - start);
    readSync(memory, bytes, 0, bytes.length, start);
    const at = bytes.indexOf(TEXT);
    if (at >= 0) writeSync(memory, Buffer.alloc(1), 0, 1, start + at + KEPT.length);
  } finally {
    closeSync(memory);
  }
}
