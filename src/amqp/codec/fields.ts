import { DecodeError } from '../errors';
import type { AmqpErrorFields } from './types';
import { AmqpArray, AmqpDescribed, AmqpMap, AmqpSymbol, AmqpTyped, type AmqpValue } from './values';

/** Checked access to the fields of a decoded composite type (part 1.4); an error names the field and what was expected. */
export class Fields {
  #at = 0;

  constructor(
    private readonly type: string,
    private readonly items: readonly AmqpValue[],
    max: number,
  ) {
    if (items.length > max) throw new DecodeError(`${type} of ${items.length} fields, expected at most ${max}`);
  }

  #next(): AmqpValue {
    return this.items[this.#at++] ?? null;
  }

  #wrong(field: string, expected: string): DecodeError {
    return new DecodeError(`field ${field} of ${this.type} is no ${expected}`);
  }

  /** A field of any type. */
  any(): AmqpValue {
    return this.#next();
  }

  /** A field that must be there. */
  required<T>(field: string, value: T | null): T {
    if (value === null) throw new DecodeError(`mandatory field ${field} of ${this.type} is missing`);
    return value;
  }

  uint(field: string): number | null {
    return this.#number(field, 'uint');
  }

  ushort(field: string): number | null {
    return this.#number(field, 'ushort');
  }

  ubyte(field: string, max: number): number | null {
    const value = this.#number(field, 'ubyte');
    if (value !== null && value > max)
      throw new DecodeError(`field ${field} of ${this.type} is ${value}, expected 0 to ${max}`);
    return value;
  }

  #number(field: string, type: 'uint' | 'ushort' | 'ubyte'): number | null {
    const value = this.#next();
    if (value === null) return null;
    if (value instanceof AmqpTyped && value.type === type) return Number(value.value);
    throw this.#wrong(field, type);
  }

  /** A ulong; what passes 2^53 - 1 is told as that. */
  ulong(field: string): number | null {
    const value = this.#next();
    if (value === null) return null;
    if (value instanceof AmqpTyped && value.type === 'ulong')
      return Math.min(Number(value.value), Number.MAX_SAFE_INTEGER);
    throw this.#wrong(field, 'ulong');
  }

  /** False when absent. */
  boolean(field: string): boolean {
    return this.booleanOrNull(field) ?? false;
  }

  booleanOrNull(field: string): boolean | null {
    const value = this.#next();
    if (value === null || typeof value === 'boolean') return value;
    throw this.#wrong(field, 'boolean');
  }

  string(field: string): string | null {
    const value = this.#next();
    if (value === null || typeof value === 'string') return value;
    throw this.#wrong(field, 'string');
  }

  /** An address is of any type; strings are the only ones in use. */
  address(field: string): string | null {
    const value = this.#next();
    if (value === null || typeof value === 'string') return value;
    if (value instanceof AmqpSymbol) return value.value;
    throw this.#wrong(field, 'string');
  }

  symbol(field: string): string | null {
    const value = this.#next();
    if (value === null) return null;
    if (value instanceof AmqpSymbol) return value.value;
    throw this.#wrong(field, 'symbol');
  }

  /** One symbol or an array of them (`multiple="true"`, part 1.4). */
  symbols(field: string): string[] {
    const value = this.#next();
    if (value === null) return [];
    if (value instanceof AmqpSymbol) return [value.value];
    if (value instanceof AmqpArray && value.items.every((item) => item instanceof AmqpSymbol))
      return value.items.map(String);
    throw this.#wrong(field, 'symbol or array of symbols');
  }

  map(field: string): AmqpMap | null {
    const value = this.#next();
    if (value === null || value instanceof AmqpMap) return value;
    throw this.#wrong(field, 'map');
  }

  binary(field: string): Buffer | null {
    const value = this.#next();
    if (value === null || Buffer.isBuffer(value)) return value;
    throw this.#wrong(field, 'binary');
  }

  described(field: string): AmqpDescribed | null {
    const value = this.#next();
    if (value === null || value instanceof AmqpDescribed) return value;
    throw this.#wrong(field, 'described type');
  }

  error(field: string): AmqpErrorFields | null {
    const value = this.described(field);
    if (value === null) return null;
    const fields = compositeOf(value, 'error', 0x1d, 3);
    const condition = fields.required('condition', fields.symbol('condition'));
    const description = fields.string('description');
    const info = fields.map('info');
    return { condition, ...(description === null ? {} : { description }), ...(info === null ? {} : { info }) };
  }
}

/** Code of a descriptor: ulong as it is, symbol by name; -1 for any other. */
export function codeOf(descriptor: AmqpValue, symbols: ReadonlyMap<string, number>): number {
  if (descriptor instanceof AmqpTyped && descriptor.type === 'ulong') return Number(descriptor.value);
  return descriptor instanceof AmqpSymbol ? (symbols.get(descriptor.value) ?? -1) : -1;
}

/** The fields of a described list of the expected type. */
export function compositeOf(value: AmqpDescribed, type: string, code: number, max: number): Fields {
  if (codeOf(value.descriptor, new Map([[`amqp:${type}:list`, code]])) !== code) throw new DecodeError(`no ${type}`);
  return new Fields(type, listOf(value.value, type), max);
}

export function listOf(value: AmqpValue, type: string): readonly AmqpValue[] {
  if (Array.isArray(value)) return value as readonly AmqpValue[];
  throw new DecodeError(`${type} is no list`);
}
