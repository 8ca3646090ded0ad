import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { StoreDamagedError } from './errors';

/** Layout of LMDB's two meta pages on 64-bit little-endian systems, the only ones we run on. */
const META_BYTES = 160;
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

/**
 * Looks at the file before LMDB maps it into memory. A file that is no store is refused; one that is shorter than its
 * own records say (cut off by a crash of the disk, or by unused pages at its end, which is no damage) is filled up with
 * empty pages: reading one is then an error that can be told, and not a bus error that ends the process.
 */
export function prepareLmdbFile(file: string): void {
  const handle = openIfThere(file);
  if (handle === null) return;
  try {
    const { size } = fstatSync(handle);
    if (size === 0) return;
    const meta = readMeta(handle, 0);
    const pageBytes = meta?.readUInt32LE(PAGE_SIZE_AT) ?? 0;
    const second = meta && readMeta(handle, pageBytes);
    if (!meta || !second || pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX)
      throw new StoreDamagedError(file, 'its head is not that of a store');
    const lastPage = [meta, second].reduce((last, m) => Math.max(last, Number(m.readBigUInt64LE(LAST_PAGE_AT))), 0);
    const wanted = (lastPage + 1) * pageBytes;
    if (!Number.isSafeInteger(wanted)) throw new StoreDamagedError(file, 'its size is not that of a store');
    if (size < wanted) ftruncateSync(handle, wanted);
  } finally {
    closeSync(handle);
  }
}

function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function readMeta(handle: number, at: number): Buffer | null {
  const meta = Buffer.alloc(META_BYTES);
  const read = readSync(handle, meta, 0, META_BYTES, at);
  return read === META_BYTES && meta.readUInt32LE(MAGIC_AT) === MAGIC ? meta : null;
}
