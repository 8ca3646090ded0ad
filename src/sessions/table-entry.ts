import { WireError, type WireReader, type WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import { ENTRY_BYTES_MAX } from './limits';

/** What one key stands for, as the last writer said. */
export interface TableEntry {
  readonly key: string;
  /** See {@link HybridClock}. */
  readonly stamp: number;
  /** Who wrote it; decides between equal stamps. */
  readonly node: NodeId;
  /** Null for what is gone. */
  readonly value: Buffer | null;
}

/** Whether one was written after the other, as every node sees it. */
export function isLater(one: TableEntry, other: TableEntry): boolean {
  return one.stamp > other.stamp || (one.stamp === other.stamp && one.node > other.node);
}

/** u53 stamp, u53 node, text key, u8 1 with a blob behind it, 0 for what is gone. */
export function writeEntry(writer: WireWriter, { key, stamp, node, value }: TableEntry): WireWriter {
  writer.u53(stamp).u53(node).text(key);
  return value === null ? writer.u8(0) : writer.u8(1).blob(value);
}

/** @throws WireError */
export function readEntry(reader: WireReader): TableEntry {
  const stamp = reader.u53();
  const node = reader.u53();
  const key = reader.text();
  const value = reader.u8() === 0 ? null : Buffer.from(reader.blob());
  if (key.length + (value?.length ?? 0) > ENTRY_BYTES_MAX) throw new WireError(`table entry '${key}' is too large`);
  return { key, stamp, node, value };
}

/** About what it takes on the wire. */
export function bytesOf({ key, value }: TableEntry): number {
  return 23 + key.length + (value === null ? 0 : value.length + 4);
}

/** 32 bits that tell a key's bucket. */
export function hashOfKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** 32 bits that tell one version of an entry from the others, whatever its value has become by time. */
export function hashOfVersion({ stamp, node }: TableEntry, keyHash: number): number {
  let hash = mixed(keyHash ^ (stamp % 0x1_0000_0000));
  hash = mixed(hash ^ Math.floor(stamp / 0x1_0000_0000));
  return mixed(hash ^ (node % 0x1_0000_0000));
}

function mixed(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
