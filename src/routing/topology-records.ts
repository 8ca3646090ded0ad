import { WireError, WireReader, WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import { isCost } from '../links/handshake';
import { NAME_BYTES_MAX } from '../links/limits';
import type { Change } from './state-frames';

/**
 * What a node's map in the topology space holds:
 * key `node` -> u8 flags; key `>neighbour/link` (dialled here) or `<neighbour/link` (accepted here, both as of
 * `adjacencyKey`) -> u32 cost, u32 instance.
 * The instance changes whenever the link was down in between. Other keys are a later version's and are ignored.
 */
export interface EdgeRecord {
  readonly neighbour: NodeId;
  readonly dialled: boolean;
  readonly link: string;
  readonly cost: number;
  readonly instance: number;
}

export const NODE_KEY = 'node';
const DRAINING = 1;

export function writeNodeRecord(draining: boolean): Buffer {
  return new WireWriter(1).u8(draining ? DRAINING : 0).take();
}

/** @returns whether the node is draining. @throws WireError */
export function readNodeRecord(value: Buffer): boolean {
  return (new WireReader(value).u8() & DRAINING) !== 0;
}

export function isEdgeKey(key: string): boolean {
  return key.startsWith('>') || key.startsWith('<');
}

export function writeEdgeRecord(cost: number, instance: number): Buffer {
  return new WireWriter(8).u32(cost).u32(instance).take();
}

/** @throws WireError */
export function readEdgeRecord(key: string, value: Buffer): EdgeRecord {
  const slash = key.indexOf('/');
  const neighbour = Number(key.slice(1, slash));
  const link = key.slice(slash + 1);
  if (slash < 2 || !/^\d{1,10}$/.test(key.slice(1, slash)) || neighbour > 0xffff_ffff)
    throw new WireError('edge without a neighbour');
  if (link === '' || Buffer.byteLength(link) > NAME_BYTES_MAX) throw new WireError('edge without a link name');
  const reader = new WireReader(value);
  const cost = reader.u32();
  if (!isCost(cost)) throw new WireError(`edge of cost ${cost}, expected 1 to 2^24`);
  return { neighbour, dialled: key[0] === '>', link, cost, instance: reader.u32() };
}

/** Refuses a map's changes before they are applied or flooded on, so that only the neighbour that let them in is cut off. @throws WireError */
export function checkTopologyChanges(changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === null) continue;
    if (key === NODE_KEY) readNodeRecord(value);
    else if (isEdgeKey(key)) readEdgeRecord(key, value);
  }
}
