import { WireError, WireWriter, type WireReader } from '../common/wire';
import { FRAME, nodeIdOf, type NodeId } from '../links/contract';
import { NAME_BYTES_MAX } from '../links/limits';
import type { Space } from './contract';
import { DIGEST_ENTRIES_MAX, KEY_BYTES_MAX, STATE_BYTES_MAX, VALUE_BYTES_MAX } from './limits';

/**
 * Frames of replicated state, spoken between neighbours and flooded on as they came.
 *
 * State: u8 type, u8 space, u8 flags, text node, text site, u53 incarnation, u53 born, u48 version, u16 part, u16 count,
 * count x (u8 1 | 0, text key, [blob value]). A snapshot may have several parts; a delta has one and follows version - 1.
 *
 * Digest: u8 type, u8 flags, u32 number, u16 count, count x (u8 space, u32 origin, u53 incarnation, u48 version).
 *
 * State request: u8 type, u16 count, count x (u8 space, u32 origin, u53 incarnation, u48 version held).
 */
export interface StateHead {
  readonly space: Space;
  readonly snapshot: boolean;
  /** No part follows. */
  readonly last: boolean;
  readonly origin: NodeId;
  readonly name: string;
  readonly site: string;
  readonly incarnation: number;
  /** The incarnation in which the origin's process started; differs from `incarnation` once it had to advance. */
  readonly born: number;
  readonly version: number;
  readonly part: number;
}

/** A change of one key; null deletes it. */
export type Change = readonly [key: string, value: Buffer | null];

/** How new a map is. */
export interface ReplicaStamp {
  readonly space: Space;
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly version: number;
}

export interface DigestPart {
  readonly number: number;
  readonly last: boolean;
  readonly stamps: readonly ReplicaStamp[];
}

const SNAPSHOT = 1;
const LAST = 2;
const STAMP_BYTES = 19;
const CHANGE_BYTES_MIN = 3;

/** Bytes that a change takes in a frame. */
export function changeBytes(key: string, value: Buffer | null): number {
  return 3 + Buffer.byteLength(key) + (value === null ? 0 : 4 + value.length);
}

function space(value: number): Space {
  if (value > 2) throw new WireError(`space ${value}, expected 0 to 2`);
  return value as Space;
}

function name(reader: WireReader, what: string): string {
  const text = reader.text();
  if (text === '' || Buffer.byteLength(text) > NAME_BYTES_MAX)
    throw new WireError(`${what} of ${Buffer.byteLength(text)} bytes, expected 1 to ${NAME_BYTES_MAX}`);
  return text;
}

/** Reads the head of a state frame; the reader stands at the changes afterwards. @throws WireError */
export function readStateHead(reader: WireReader): StateHead {
  if (reader.remaining > STATE_BYTES_MAX) throw new WireError(`state frame of ${reader.remaining} bytes`);
  reader.u8();
  const inSpace = space(reader.u8());
  const flags = reader.u8();
  const node = name(reader, 'node name');
  const site = name(reader, 'site name');
  const incarnation = reader.u53();
  const born = reader.u53();
  const version = reader.u48();
  const part = reader.u16();
  const snapshot = (flags & SNAPSHOT) !== 0;
  const last = (flags & LAST) !== 0;
  if (incarnation < 1 || born < 1 || born > incarnation)
    throw new WireError(`incarnation ${incarnation}, born ${born}`);
  if (!snapshot && (version < 1 || part !== 0 || !last)) throw new WireError('delta in parts or without a version');
  const origin = nodeIdOf(node);
  return { space: inSpace, snapshot, last, origin, name: node, site, incarnation, born, version, part };
}

/** Reads the changes behind a state head, values copied. @throws WireError */
export function readChanges(reader: WireReader, snapshot: boolean): Change[] {
  const count = reader.u16();
  if (count * CHANGE_BYTES_MIN > reader.remaining) throw new WireError(`${count} changes in ${reader.remaining} bytes`);
  const changes: Change[] = [];
  for (let n = 0; n < count; n++) {
    const kind = reader.u8();
    if (kind > 1 || (kind === 0 && snapshot)) throw new WireError(`change of kind ${kind}`);
    const key = reader.text();
    if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw new WireError(`key of ${Buffer.byteLength(key)} bytes`);
    if (kind === 0) {
      changes.push([key, null]);
      continue;
    }
    const value = reader.blob();
    if (value.length > VALUE_BYTES_MAX) throw new WireError(`value of ${value.length} bytes`);
    changes.push([key, Buffer.from(value)]);
  }
  if (reader.remaining > 0) throw new WireError(`${reader.remaining} bytes follow the last change`);
  return changes;
}

export function writeState(head: Omit<StateHead, 'origin'>, changes: readonly Change[]): Buffer {
  const writer = new WireWriter(512)
    .u8(FRAME.state)
    .u8(head.space)
    .u8((head.snapshot ? SNAPSHOT : 0) | (head.last ? LAST : 0))
    .text(head.name)
    .text(head.site)
    .u53(head.incarnation)
    .u53(head.born)
    .u48(head.version)
    .u16(head.part)
    .u16(changes.length);
  for (const [key, value] of changes) {
    writer.u8(value === null ? 0 : 1).text(key);
    if (value !== null) writer.blob(value);
  }
  return writer.take();
}

function writeStamps(writer: WireWriter, stamps: readonly ReplicaStamp[]): Buffer {
  writer.u16(stamps.length);
  for (const stamp of stamps) writer.u8(stamp.space).u32(stamp.origin).u53(stamp.incarnation).u48(stamp.version);
  return writer.take();
}

function readStamps(reader: WireReader): ReplicaStamp[] {
  const count = reader.u16();
  if (count > DIGEST_ENTRIES_MAX || count * STAMP_BYTES !== reader.remaining)
    throw new WireError(`${count} stamps in ${reader.remaining} bytes`);
  const stamps: ReplicaStamp[] = [];
  for (let n = 0; n < count; n++) {
    stamps.push({ space: space(reader.u8()), origin: reader.u32(), incarnation: reader.u53(), version: reader.u48() });
  }
  return stamps;
}

/** A digest as one or more frames. */
export function writeDigest(number: number, stamps: readonly ReplicaStamp[]): Buffer[] {
  const frames: Buffer[] = [];
  for (let from = 0; from === 0 || from < stamps.length; from += DIGEST_ENTRIES_MAX) {
    const part = stamps.slice(from, from + DIGEST_ENTRIES_MAX);
    const last = from + DIGEST_ENTRIES_MAX >= stamps.length;
    const writer = new WireWriter(16 + part.length * STAMP_BYTES);
    frames.push(
      writeStamps(
        writer
          .u8(FRAME.digest)
          .u8(last ? LAST : 0)
          .u32(number),
        part,
      ),
    );
  }
  return frames;
}

/** @throws WireError */
export function readDigest(reader: WireReader): DigestPart {
  reader.u8();
  const flags = reader.u8();
  const number = reader.u32();
  if (number === 0) throw new WireError('digest without a number');
  return { number, last: (flags & LAST) !== 0, stamps: readStamps(reader) };
}

export function writeStateRequest(stamps: readonly ReplicaStamp[]): Buffer {
  return writeStamps(new WireWriter(16 + stamps.length * STAMP_BYTES).u8(FRAME.stateRequest), stamps);
}

/** @throws WireError */
export function readStateRequest(reader: WireReader): ReplicaStamp[] {
  reader.u8();
  return readStamps(reader);
}
