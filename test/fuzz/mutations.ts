import * as fc from 'fast-check';

/** What is done to one unit of a conversation, a protocol header or a frame. Places are taken modulo the unit's length. */
export type Mutation =
  | { readonly kind: 'set'; readonly place: number; readonly byte: number }
  | { readonly kind: 'flip'; readonly place: number; readonly bit: number }
  | { readonly kind: 'insert'; readonly place: number; readonly bytes: Uint8Array; readonly honest: boolean }
  | { readonly kind: 'remove'; readonly place: number; readonly count: number; readonly honest: boolean }
  | { readonly kind: 'size'; readonly size: number }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'channel'; readonly channel: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'twice' }
  | { readonly kind: 'swap' }
  | { readonly kind: 'bomb'; readonly bomb: number }
  | { readonly kind: 'other'; readonly conversation: number; readonly unit: number };

/** A malformed connection: which conversation, what is done to it, how it is sent and how it ends. */
export interface Plan {
  readonly conversation: number;
  readonly mutations: readonly { readonly unit: number; readonly mutation: Mutation }[];
  readonly pace: 'turns' | 'whole' | 'bytewise' | 'slices';
  readonly slice: number;
  readonly ending: 'wait' | 'end' | 'reset' | 'leave';
}

const place = fc.nat(4_000);
const honest = fc.boolean();

/** Constructors and other bytes that mean something. */
const telling = fc.constantFrom(
  0,
  0x40,
  0x41,
  0x43,
  0x45,
  0x53,
  0x56,
  0x70,
  0x80,
  0x82,
  0xa0,
  0xa1,
  0xa3,
  0xb0,
  0xb3,
  0xc0,
  0xd0,
  0xe0,
  0xf0,
  0xff,
);
const byte = fc.oneof(telling, fc.nat(255));

const MUTATION: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), place, byte }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), place, bit: fc.nat(7) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      honest,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      place,
      count: fc.integer({ min: 1, max: 40 }),
      honest,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('size' as const),
      size: fc.constantFrom(0, 1, 7, 8, 9, 511, 16_385, 65_536, 0x7fff_ffff, 0xffff_ffff),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('offset' as const), offset: fc.nat(255) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('channel' as const), channel: fc.nat(65_535) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('twice' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('swap' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bomb' as const), bomb: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('other' as const), conversation: fc.nat(20), unit: fc.nat(200) }),
  },
);

export const PLAN: fc.Arbitrary<Plan> = fc.record({
  conversation: fc.nat(100),
  mutations: fc.array(fc.record({ unit: fc.nat(500), mutation: MUTATION }), { minLength: 1, maxLength: 4 }),
  pace: fc.oneof(
    { weight: 6, arbitrary: fc.constant('turns' as const) },
    { weight: 2, arbitrary: fc.constant('whole' as const) },
    { weight: 1, arbitrary: fc.constant('bytewise' as const) },
    { weight: 2, arbitrary: fc.constant('slices' as const) },
  ),
  slice: fc.integer({ min: 1, max: 700 }),
  ending: fc.oneof(
    { weight: 4, arbitrary: fc.constant('wait' as const) },
    { weight: 2, arbitrary: fc.constant('end' as const) },
    { weight: 2, arbitrary: fc.constant('reset' as const) },
    { weight: 1, arbitrary: fc.constant('leave' as const) },
  ),
});

function frameOf(body: Buffer, channel = 0): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, 0, channel >>> 8, channel & 0xff]);
  head.writeUInt32BE(body.length + 8, 0);
  return Buffer.concat([head, body]);
}

function bomb(hex: string, tail = Buffer.alloc(0)): Buffer {
  return frameOf(Buffer.concat([Buffer.from(hex.replace(/ /g, ''), 'hex'), tail]));
}

/** Frames whose contents claim far more than they are. */
export const BOMBS: readonly Buffer[] = [
  // An open whose desired-capabilities are 2^31 nulls in an array of ten bytes.
  bomb('005310 d000000020 00000009 a10166 40404040404040 f000000005 80000000 40', Buffer.alloc(4, 0x40)),
  // A list, a map, a string and a binary of 4 GiB.
  bomb('005312 d0ffffffff ffffffff'),
  bomb('005312 d000000010 00000001 d1ffffffff ffffffff', Buffer.alloc(3)),
  bomb('005312 d00000000a 00000001 b1ffffffff', Buffer.alloc(3)),
  bomb('005314 c00a 02 43 b0ffffffff', Buffer.alloc(4)),
  // Nested descriptors, lists, maps, arrays.
  bomb('005312', Buffer.alloc(16_000, 0)),
  bomb('005312', Buffer.from('c0ff01'.repeat(5_000), 'hex')),
  bomb('005312', Buffer.from('d00000400000000001'.repeat(1_700), 'hex')),
  bomb('005312', Buffer.from('e0ff01e0'.repeat(4_000), 'hex')),
  // Flow, transfer and disposition with nested and endless fields.
  bomb('005313 d000000030 ffffffff', Buffer.alloc(44, 0x43)),
  bomb('005314 c020 0a 43 43 a000 43 42 42 43', Buffer.alloc(16, 0)),
  bomb('005315 c00c 04 41 43 70 7fffffff 41 41'),
  bomb('005315 c010 05 41 43 70 7fffffff 41 005324 d0ffffffff 00'),
  // Timestamps, characters and integers beyond what JavaScript holds.
  bomb('005311 c009 01 837fffffffffffffff'),
  // A full frame of empty elements.
  frameOf(Buffer.concat([Buffer.from('005312d000003f0000003efc', 'hex'), Buffer.alloc(0x3efc, 0x45)])),
];

/** Cuts bytes of a well-formed conversation into protocol headers and frames. */
export function unitsOf(bytes: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const header = bytes.toString('latin1', at, at + 4) === 'AMQP';
    const size = header ? 8 : bytes.readUInt32BE(at);
    units.push(bytes.subarray(at, at + size));
    at += size;
  }
  return units;
}

/** Applies a mutation to the unit at `index`; the list is changed in place. */
export function mutate(
  units: Buffer[],
  index: number,
  mutation: Mutation,
  others: readonly (readonly Buffer[])[],
): void {
  const unit = Buffer.from(units[index] as Buffer);
  switch (mutation.kind) {
    case 'set':
      unit[mutation.place % unit.length] = mutation.byte;
      units[index] = unit;
      return;
    case 'flip': {
      const at = mutation.place % unit.length;
      unit[at] = (unit[at] as number) ^ (1 << mutation.bit);
      units[index] = unit;
      return;
    }
    case 'insert':
      units[index] = splice(unit, mutation.place, 0, Buffer.from(mutation.bytes), mutation.honest);
      return;
    case 'remove':
      units[index] = splice(unit, mutation.place, mutation.count, Buffer.alloc(0), mutation.honest);
      return;
    case 'size':
      unit.writeUInt32BE(mutation.size, 0);
      units[index] = unit;
      return;
    case 'offset':
      unit[4] = mutation.offset;
      units[index] = unit;
      return;
    case 'channel':
      unit.writeUInt16BE(mutation.channel, 6);
      units[index] = unit;
      return;
    case 'drop':
      units.splice(index, 1);
      return;
    case 'twice':
      units.splice(index, 0, unit);
      return;
    case 'swap':
      units.push(...units.splice(index, 1));
      return;
    case 'bomb':
      units.splice(index, 0, BOMBS[mutation.bomb % BOMBS.length] as Buffer);
      return;
    case 'other': {
      const conversation = others[mutation.conversation % others.length] as readonly Buffer[];
      units.splice(index, 0, conversation[mutation.unit % conversation.length] as Buffer);
    }
  }
}

/** Replaces bytes within the body; an honest one has the frame's size follow, so that what is wrong lies deeper. */
function splice(unit: Buffer, place: number, count: number, bytes: Buffer, honest: boolean): Buffer {
  const at = Math.min(8 + (place % Math.max(1, unit.length - 8)), unit.length);
  const changed = Buffer.concat([unit.subarray(0, at), bytes, unit.subarray(Math.min(unit.length, at + count))]);
  if (honest && changed.length >= 8 && changed.toString('latin1', 0, 4) !== 'AMQP')
    changed.writeUInt32BE(changed.length, 0);
  return changed;
}
