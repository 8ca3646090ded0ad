import { AmqpSymbol, AmqpTyped, sym, type AmqpTypeName, type AmqpValue } from '../../amqp/codec/values';
import { MessageFieldError, shown } from './errors';

/** A value of AMQP as text with the name of its type, as a user property or a header carries it. */
export interface TypedText {
  readonly type: TextType;
  readonly text: string;
}

/** Names of types beside a text; a text without one is a `string`. */
export type TextType = AmqpTypeName | 'string' | 'null' | 'boolean' | 'long' | 'binary' | 'symbol' | 'json';

const INTEGERS: Readonly<Partial<Record<TextType, readonly [bigint, bigint]>>> = {
  ubyte: [0n, 0xffn],
  ushort: [0n, 0xffffn],
  uint: [0n, 0xffff_ffffn],
  ulong: [0n, 2n ** 64n - 1n],
  byte: [-128n, 127n],
  short: [-32_768n, 32_767n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  timestamp: [-(2n ** 63n), 2n ** 63n - 1n],
};

const BIT_BYTES: Readonly<Partial<Record<TextType, number>>> = { uuid: 16, decimal32: 4, decimal64: 8, decimal128: 16 };

/** Null for lists, maps, arrays and described values. */
export function scalarText(value: AmqpValue): TypedText | null {
  if (value === null) return { type: 'null', text: '' };
  switch (typeof value) {
    case 'string':
      return { type: 'string', text: value };
    case 'boolean':
      return { type: 'boolean', text: String(value) };
    case 'number':
      return Number.isInteger(value)
        ? { type: 'long', text: String(value) }
        : { type: 'double', text: numberText(value) };
    case 'bigint':
      return { type: 'long', text: String(value) };
    default:
      break;
  }
  if (Buffer.isBuffer(value)) return { type: 'binary', text: value.toString('base64') };
  if (value instanceof Date) return { type: 'timestamp', text: value.toISOString() };
  if (value instanceof AmqpSymbol) return { type: 'symbol', text: value.value };
  if (value instanceof AmqpTyped) return { type: value.type, text: plainText(value) };
  return null;
}

function plainText({ type, value }: AmqpTyped): string {
  if (Buffer.isBuffer(value)) return type === 'uuid' ? uuidText(value) : value.toString('hex');
  if (type === 'char') return charText(Number(value));
  return typeof value === 'number' ? numberText(value) : String(value);
}

/** `String` tells everything but the sign of zero. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** A character that stands for itself, or its code point where it is none, or drives terminals. */
function charText(code: number): string {
  const printable =
    code > 0x20 && code < 0x11_0000 && !(code >= 0xd800 && code < 0xe000) && !(code >= 0x7f && code < 0xa0);
  return printable ? String.fromCodePoint(code) : `U+${code.toString(16).toUpperCase()}`;
}

/** @throws MessageFieldError when the text is none of its type */
export function parseScalarText(type: string, text: string, field: string): AmqpValue {
  const value = parse(type as TextType, text);
  if (value === undefined) throw new MessageFieldError(field, `is no ${shown(type)}: '${shown(text)}'`);
  return value;
}

function parse(type: TextType, text: string): AmqpValue | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'null':
      return text === '' ? null : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'binary':
      return parseBinary(text);
    case 'symbol':
      return isAscii(text) ? sym(text) : undefined;
    case 'float':
    case 'double': {
      const number = parseNumber(text);
      return number === undefined ? undefined : new AmqpTyped(type, number);
    }
    case 'char': {
      const code = parseChar(text);
      return code === undefined ? undefined : new AmqpTyped('char', code);
    }
    default:
      return parseBits(type, text) ?? parseTime(type, text) ?? parseInteger(type, text);
  }
}

export function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

function parseBinary(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function parseNumber(text: string): number | undefined {
  if (/^-?(Infinity|\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(text)) return Number(text);
  return text === 'NaN' ? Number.NaN : undefined;
}

function parseChar(text: string): number | undefined {
  const code = /^U\+[0-9A-F]{1,8}$/.test(text) ? parseInt(text.slice(2), 16) : undefined;
  if (code !== undefined) return code;
  return [...text].length === 1 ? text.codePointAt(0) : undefined;
}

function parseBits(type: TextType, text: string): AmqpTyped | undefined {
  const bytes = BIT_BYTES[type];
  if (bytes === undefined) return undefined;
  const hex = type === 'uuid' ? text.replace(/^(.{8})-(.{4})-(.{4})-(.{4})-/, '$1$2$3$4') : text;
  if (hex.length !== 2 * bytes || !/^[0-9a-f]+$/i.test(hex)) return undefined;
  return new AmqpTyped(type as AmqpTypeName, Buffer.from(hex, 'hex'));
}

const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function parseTime(type: TextType, text: string): Date | undefined {
  if (type !== 'timestamp' || !ISO_TIME.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const DATE_MS_MAX = 8_640_000_000_000_000n;

function parseInteger(type: TextType, text: string): AmqpValue | undefined {
  const range = INTEGERS[type];
  if (range === undefined || !/^-?\d{1,20}$/.test(text)) return undefined;
  const wide = BigInt(text);
  if (wide < range[0] || wide > range[1]) return undefined;
  const value = Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
  if (type === 'long') return value;
  if (type === 'timestamp' && wide <= DATE_MS_MAX && wide >= -DATE_MS_MAX) return new Date(Number(wide));
  return new AmqpTyped(type as AmqpTypeName, type === 'timestamp' ? wide : value);
}
