/** An AMQP symbol; compare by `value`, equal names are mostly the same object. */
export class AmqpSymbol {
  private constructor(readonly value: string) {}

  static readonly #known = new Map<string, AmqpSymbol>();

  static of(value: string): AmqpSymbol {
    let symbol = AmqpSymbol.#known.get(value);
    if (symbol === undefined) {
      symbol = new AmqpSymbol(value);
      if (AmqpSymbol.#known.size < INTERNED_MAX && value.length <= INTERNED_LENGTH_MAX)
        AmqpSymbol.#known.set(value, symbol);
    }
    return symbol;
  }

  toString(): string {
    return this.value;
  }
}

/** Symbols come from peers: past this many, and when longer, they are not shared. */
const INTERNED_MAX = 4_096;
const INTERNED_LENGTH_MAX = 64;

export function sym(value: string): AmqpSymbol {
  return AmqpSymbol.of(value);
}

/** Primitive types whose JavaScript value does not tell them. */
export type AmqpTypeName =
  | 'ubyte'
  | 'ushort'
  | 'uint'
  | 'ulong'
  | 'byte'
  | 'short'
  | 'int'
  | 'float'
  | 'double'
  | 'char'
  | 'timestamp'
  | 'uuid'
  | 'decimal32'
  | 'decimal64'
  | 'decimal128';

/**
 * A value with its AMQP type. Bit patterns (uuid, decimals) are buffers; a char is its code point; a timestamp that a Date cannot
 * hold is its milliseconds.
 */
export class AmqpTyped {
  constructor(
    readonly type: AmqpTypeName,
    readonly value: number | bigint | Buffer,
  ) {}
}

export class AmqpDescribed {
  constructor(
    readonly descriptor: AmqpValue,
    readonly value: AmqpValue,
  ) {}
}

/** An array (part 1.6.24): elements of one type, described or not. */
export class AmqpArray {
  constructor(
    /** Constructor byte of the elements, 0x40 to 0xf0. */
    readonly typeCode: number,
    readonly items: readonly AmqpValue[],
    readonly descriptor?: AmqpValue,
  ) {}
}

/** A map; keys are compared by type and value. */
export class AmqpMap {
  readonly #entries = new Map<unknown, [AmqpValue, AmqpValue]>();

  constructor(entries: Iterable<readonly [AmqpValue, AmqpValue]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: AmqpValue, value: AmqpValue): this {
    this.#entries.set(identity(key), [key, value]);
    return this;
  }

  get(key: AmqpValue): AmqpValue | undefined {
    return this.#entries.get(identity(key))?.[1];
  }

  /** The value of a symbol or string key. */
  named(name: string): AmqpValue | undefined {
    return this.get(sym(name)) ?? this.get(name);
  }

  [Symbol.iterator](): IterableIterator<[AmqpValue, AmqpValue]> {
    return this.#entries.values();
  }
}

function identity(key: AmqpValue): unknown {
  if (key instanceof AmqpSymbol) return `symbol ${key.value}`;
  if (typeof key === 'string') return `string ${key}`;
  if (key instanceof AmqpTyped)
    return `${key.type} ${Buffer.isBuffer(key.value) ? key.value.toString('latin1') : String(key.value)}`;
  if (Buffer.isBuffer(key)) return `binary ${key.toString('latin1')}`;
  if (key instanceof Date) return `timestamp ${key.getTime()}`;
  return key;
}

/**
 * A value: string, boolean and null as they are; number and bigint are long; Buffer is binary, Date is timestamp, an array is a
 * list; all else has a class.
 */
export type AmqpValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Date
  | AmqpSymbol
  | AmqpTyped
  | AmqpDescribed
  | AmqpArray
  | AmqpMap
  | readonly AmqpValue[];

/** A map with symbol keys. */
export function symbolMap(entries: Readonly<Record<string, AmqpValue>>): AmqpMap {
  return new AmqpMap(Object.entries(entries).map(([key, value]) => [sym(key), value]));
}
