import type { Tagged } from './tagged';

/**
 * AMQP 1.0 encodings written down from part 1.6 of the specification, independent of Fairlead's and of both clients'. `wide` takes
 * the longest constructor of a type instead of the shortest: a peer may choose either, and must get back what it chose.
 */
export function encodeTagged(value: Tagged, wide = false): Buffer {
  const { t, v, d } = value;
  if (t === 'described')
    return Buffer.concat([byte(0x00), encodeTagged(d as Tagged, wide), encodeTagged(v as Tagged, wide)]);
  if (t === 'list')
    return compound(
      0xc0,
      0xd0,
      items(v).map((item) => encodeTagged(item, wide)),
      wide,
    );
  if (t === 'map')
    return compound(
      0xc1,
      0xd1,
      entries(v).map((item) => encodeTagged(item, wide)),
      wide,
    );
  if (t === 'array') return array(value, wide);
  const compact = wide ? null : shortest(value);
  if (compact) return compact;
  const code = CODES[t] as number;
  return Buffer.concat([byte(code), fixed(t, v, code)]);
}

/** The constructor that holds every value of a type. */
const CODES: Readonly<Record<string, number>> = {
  null: 0x40,
  boolean: 0x56,
  ubyte: 0x50,
  ushort: 0x60,
  uint: 0x70,
  ulong: 0x80,
  byte: 0x51,
  short: 0x61,
  int: 0x71,
  long: 0x81,
  float: 0x72,
  double: 0x82,
  decimal32: 0x74,
  decimal64: 0x84,
  decimal128: 0x94,
  char: 0x73,
  timestamp: 0x83,
  uuid: 0x98,
  binary: 0xb0,
  string: 0xb1,
  symbol: 0xb3,
};

const WIDTHS: Readonly<Record<string, number>> = {
  ubyte: 1,
  byte: 1,
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  char: 4,
  ulong: 8,
  long: 8,
  timestamp: 8,
};

const byte = (value: number): Buffer => Buffer.from([value]);

function items(v: Tagged['v']): readonly Tagged[] {
  return v as readonly Tagged[];
}

function entries(v: Tagged['v']): readonly Tagged[] {
  return (v as readonly (readonly [Tagged, Tagged])[]).flat();
}

/** The bytes behind the constructor. */
function fixed(t: string, v: Tagged['v'], code: number): Buffer {
  const width = WIDTHS[t];
  if (width !== undefined) return whole(BigInt(String(v)), width);
  if (t === 'boolean') return byte(v === true ? 1 : 0);
  if (t === 'float' || t === 'double') return real(Number(v), t === 'float' ? 4 : 8);
  if (['decimal32', 'decimal64', 'decimal128', 'uuid'].includes(t)) return Buffer.from(String(v), 'hex');
  if (['binary', 'string', 'symbol'].includes(t)) return variable(bytesOf(t, v), code >= 0xb0);
  return Buffer.alloc(0);
}

function whole(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes.subarray(8 - width);
}

function real(value: number, width: 4 | 8): Buffer {
  const bytes = Buffer.alloc(width);
  if (width === 4) bytes.writeFloatBE(value);
  else bytes.writeDoubleBE(value);
  return bytes;
}

function bytesOf(t: string, v: Tagged['v']): Buffer {
  return Buffer.from(String(v), t === 'binary' ? 'base64' : t === 'symbol' ? 'ascii' : 'utf8');
}

function variable(bytes: Buffer, wide: boolean): Buffer {
  return Buffer.concat([wide ? whole(BigInt(bytes.length), 4) : byte(bytes.length), bytes]);
}

/** The one- or two-byte encoding, where the value has one. */
function shortest({ t, v }: Tagged): Buffer | null {
  if (t === 'boolean') return byte(v === true ? 0x41 : 0x42);
  if (t === 'uint' || t === 'ulong') {
    const value = BigInt(String(v));
    if (value === 0n) return byte(t === 'uint' ? 0x43 : 0x44);
    return value < 256n ? Buffer.from([t === 'uint' ? 0x52 : 0x53, Number(value)]) : null;
  }
  if (t === 'int' || t === 'long') {
    const value = BigInt(String(v));
    const fits = value >= -128n && value < 128n;
    return fits ? Buffer.concat([byte(t === 'int' ? 0x54 : 0x55), whole(value, 1)]) : null;
  }
  if (!['binary', 'string', 'symbol'].includes(t)) return null;
  const bytes = bytesOf(t, v);
  const code = t === 'binary' ? 0xa0 : t === 'string' ? 0xa1 : 0xa3;
  return bytes.length < 256 ? Buffer.concat([byte(code), variable(bytes, false)]) : null;
}

function compound(short: number, long: number, parts: readonly Buffer[], wide: boolean): Buffer {
  if (short === 0xc0 && parts.length === 0 && !wide) return byte(0x45);
  return sized(short, long, parts.length, Buffer.concat(parts), wide);
}

function sized(short: number, long: number, count: number, body: Buffer, wide: boolean): Buffer {
  if (!wide && body.length + 1 < 256 && count < 256)
    return Buffer.concat([Buffer.from([short, body.length + 1, count]), body]);
  return Buffer.concat([byte(long), whole(BigInt(body.length + 4), 4), whole(BigInt(count), 4), body]);
}

/** Elements share one constructor, the widest of their type. */
function array({ of: type = 'null', v, d }: Tagged, wide: boolean): Buffer {
  const elements = items(v);
  const code = type === 'list' ? 0xd0 : type === 'map' ? 0xd1 : type === 'array' ? 0xf0 : (CODES[type] as number);
  const constructor = d ? Buffer.concat([byte(0x00), encodeTagged(d), byte(code)]) : byte(code);
  const bodies = elements.map((element) =>
    code >= 0xd0 ? encodeTagged(element, true).subarray(1) : fixed(type, element.v, code),
  );
  return sized(0xe0, 0xf0, elements.length, Buffer.concat([constructor, ...bodies]), wide);
}
