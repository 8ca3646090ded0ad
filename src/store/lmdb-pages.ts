import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StoreDamagedError } from './errors';

/** Layout of LMDB's file, format 2, on 64-bit little-endian systems, the only ones we run on. */
const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const HEAD_BYTES = 24;
const META_BYTES = 160;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;
const NONE = 0xffff_ffff_ffff_ffffn;

/** Flags of a page. */
export const PAGE = { branch: 1, leaf: 2, overflow: 4 } as const;

/** The main tree of a store after one of its last two transactions. */
export interface TreeRoot {
  readonly transaction: number;
  /** Null for an empty tree. */
  readonly page: number | null;
  readonly entries: number;
}

/** A page is not what it should be. */
export class BadPage extends Error {}

/** Pages of an LMDB file, read one by one and believed in nothing: whatever is in them, reading them ends no process. */
export class PageFile {
  readonly #handle: number;
  readonly #page: Buffer;
  readonly pageBytes: number;
  readonly bytes: number;
  /** The newest first. */
  readonly roots: readonly TreeRoot[];

  /** @throws StoreDamagedError when it is no store */
  constructor(readonly file: string) {
    this.#handle = openSync(file, 'r');
    try {
      this.bytes = fstatSync(this.#handle).size;
      this.pageBytes = this.#meta(0)?.readUInt32LE(48) ?? 0;
      const fits = this.pageBytes >= PAGE_BYTES_MIN && this.pageBytes <= PAGE_BYTES_MAX;
      const metas = fits ? [this.#meta(0), this.#meta(this.pageBytes)] : [];
      this.roots = metas.flatMap((meta) => (meta ? [rootOf(meta, 96, Number(meta.readBigUInt64LE(152)))] : []));
      if (this.roots.length < 2) throw new StoreDamagedError(file, 'its head is not that of a store');
      this.roots = [...this.roots].sort((a, b) => b.transaction - a.transaction);
      this.#page = Buffer.allocUnsafe(this.pageBytes);
    } catch (error) {
      closeSync(this.#handle);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#handle);
  }

  /** A branch or leaf page, valid until the next one is read. @throws BadPage */
  page(number: number): Buffer {
    const page = this.#page;
    const read = readSync(this.#handle, page, 0, this.pageBytes, number * this.pageBytes);
    if (read < this.pageBytes) throw new BadPage(`page ${number} is not in the file`);
    const flags = flagsOf(page, number);
    if (flags !== PAGE.branch && flags !== PAGE.leaf) throw new BadPage(`page ${number} is no page of a tree`);
    return page;
  }

  /** A value that stands on pages of its own. @throws BadPage */
  overflow(number: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + length);
    const read = readSync(this.#handle, bytes, 0, bytes.length, number * this.pageBytes);
    if (read < bytes.length) throw new BadPage(`page ${number} is not in the file`);
    if (flagsOf(bytes, number) !== PAGE.overflow) throw new BadPage(`page ${number} holds no value`);
    return bytes.subarray(HEAD_BYTES);
  }

  #meta(at: number): Buffer | null {
    const meta = Buffer.alloc(META_BYTES);
    const read = readSync(this.#handle, meta, 0, META_BYTES, at);
    return read === META_BYTES && meta.readUInt32LE(24) === MAGIC && meta.readUInt32LE(28) === FORMAT ? meta : null;
  }
}

function flagsOf(page: Buffer, number: number): number {
  if (Number(page.readBigUInt64LE(0)) !== number) throw new BadPage(`page ${number} holds another`);
  return page.readUInt16LE(18);
}

/** A tree's record, which stands in a meta page, or in the main tree for those with a name. */
export function rootOf(bytes: Buffer, at: number, transaction: number): TreeRoot {
  const page = bytes.readBigUInt64LE(at + 40);
  return {
    transaction,
    page: page === NONE ? null : Number(page),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
  };
}

/** Where the nodes of a page begin. @throws BadPage */
export function nodesOf(page: Buffer): number[] {
  const bytes = page.readUInt16LE(20);
  if (bytes % 2 !== 0 || HEAD_BYTES + bytes > page.length) throw new BadPage('a page counts its nodes wrongly');
  return Array.from({ length: bytes / 2 }, (_, n) => HEAD_BYTES + page.readUInt16LE(HEAD_BYTES + 2 * n));
}
