/**
 * A WebAssembly module that computes CRC-32C by sixteen tables, one for each byte of a step: at 1 KiB three times as fast as JavaScript,
 * and as fast as what a native package does behind its call. Its memory has the tables, then room for the bytes.
 */
export const TABLES = 16;
export const TABLE_BYTES = 1024;
/** What a WebAssembly page has, and how many the memory has. */
const PAGE_BYTES = 65_536;
const PAGES = 2;
/** Where the bytes stand in its memory, and how many at most. */
export const ROOM_AT = TABLES * TABLE_BYTES;
export const ROOM_BYTES = PAGES * PAGE_BYTES - ROOM_AT;

export interface Crc32cModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** The register after the bytes in [start, end) of its memory; it is that of the algorithm, not its complement. */
  readonly update: (start: number, end: number, register: number) => number;
}

/** As far as it is used here: the types of Node have no more of it than its name. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

const I32 = 0x7f;
const OP = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  repeat: [0x0c, 0],
  leaveIf: [0x0d, 1],
  greater: [0x4b],
  notLess: [0x4f],
  add: [0x6a],
  and: [0x71],
  xor: [0x73],
  shiftLeft: [0x74],
  shiftRight: [0x76],
} as const;
/** Parameters, and the words of a step. */
const [AT, END, REGISTER, A, B, C, D] = [0, 1, 2, 3, 4, 5, 6] as const;
const LOCALS = 4;

type Code = readonly number[];

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function constant(value: number): Code {
  // Signed: a bit more for what is not negative.
  return value < 64 ? [0x41, value] : [0x41, (value & 127) | 128, value >>> 7];
}

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const load = (offset: number): Code => [0x28, 0, ...unsigned(offset)];
const loadByte: Code = [0x2d, 0, 0];
const code = (...parts: readonly Code[]): Code => parts.flat();

/** The entry of a table for one byte of a word. */
function entry(word: number, byte: number, table: number): Code {
  const shifted = byte === 0 ? [] : code(constant(8 * byte), OP.shiftRight);
  return code(get(word), shifted, constant(255), OP.and, constant(2), OP.shiftLeft, load(table * TABLE_BYTES));
}

/** The entries for a word whose first byte has that table. Combined so that one step waits for the last in as few operations as can be. */
function entries(word: number, table: number): Code {
  return code(
    code(entry(word, 0, table), entry(word, 1, table - 1), OP.xor),
    code(entry(word, 2, table - 2), entry(word, 3, table - 3), OP.xor),
    OP.xor,
  );
}

const advance = (bytes: number): Code => code(get(AT), constant(bytes), OP.add, set(AT), OP.repeat);
const loop = (leaveIf: Code, step: Code): Code => code(OP.block, OP.loop, leaveIf, OP.leaveIf, step, OP.end, OP.end);

const SIXTEEN = loop(
  code(get(AT), constant(16), OP.add, get(END), OP.greater),
  code(
    [A, B, C, D].flatMap((word, n) => code(get(AT), load(4 * n), set(word))),
    code(entries(B, 11), entries(C, 7), entries(D, 3), OP.xor, OP.xor),
    code(get(A), get(REGISTER), OP.xor, set(A), entries(A, 15), OP.xor, set(REGISTER)),
    advance(16),
  ),
);

const ONE = loop(
  code(get(AT), get(END), OP.notLess),
  code(
    code(get(REGISTER), constant(8), OP.shiftRight),
    code(get(REGISTER), get(AT), loadByte, OP.xor, constant(255), OP.and, constant(2), OP.shiftLeft, load(0)),
    code(OP.xor, set(REGISTER)),
    advance(1),
  ),
);

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function assembled(): Uint8Array {
  const body = code([1, LOCALS, I32], SIXTEEN, ONE, get(REGISTER), OP.end);
  const name = (text: string): Code => [text.length, ...Buffer.from(text)];
  return Uint8Array.from(
    code(
      [...Buffer.from('\0asm'), 1, 0, 0, 0],
      section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]),
      section(3, [1, 0]),
      section(5, [1, 0, PAGES]),
      section(7, code([2], name('memory'), [2, 0], name('update'), [0, 0])),
      section(10, code([1], unsigned(body.length), body)),
    ),
  );
}

export function makeCrc32cModule(): Crc32cModule {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembled()));
  return exports as Crc32cModule;
}
