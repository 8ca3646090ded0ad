import type { AddressKind } from './contract';

const LETTER: Readonly<Record<AddressKind, string>> = { topic: 't', multicast: 'm', anycast: 'a', queue: 'q' };
const KIND_OF: ReadonlyMap<string, AddressKind> = new Map([
  ['t', 'topic'],
  ['m', 'multicast'],
  ['a', 'anycast'],
  ['q', 'queue'],
]);

/** Kind and name as one key: in batches between nodes and in interest. */
export function wireName(kind: AddressKind, name: string): string {
  return LETTER[kind] + name;
}

/** The kind of a wire name, undefined for one of a later version. */
export function kindOfWire(wire: string): AddressKind | undefined {
  return KIND_OF.get(wire.slice(0, 1));
}
