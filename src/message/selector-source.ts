import { DecodeError } from '../amqp/errors';
import { BEYOND, skip } from './locate';
import { MessageFields } from './message-fields';
import { isFloating, readScalar, type Scalar } from './scalar';
import { type ReadField, SELECTOR_NAMES } from './selector-names';

const STRING = 0xa1;
const STRING_LONG = 0xb1;
const SYMBOL = 0xa3;
const SYMBOL_LONG = 0xb3;

/**
 * An encoded message as a selector sees it (`SelectorSource` of `selectors/`): made once for the names that a selector reads, then turned
 * to message after message. Nothing is decoded that is not asked for.
 */
export class EncodedMessageSource {
  readonly #message = new MessageFields();
  readonly #fields = new Map<string, ReadField>();
  readonly #slots = new Map<string, number>();
  /** Names of the application properties that are read, as they are encoded. */
  readonly #keys: Buffer[] = [];
  /** Where their values are in this message, or BEYOND. */
  readonly #values: Int32Array;
  #scanned = false;

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const field = SELECTOR_NAMES.get(name);
      if (field !== undefined) this.#fields.set(name, field);
      else this.#slots.set(name, this.#keys.push(Buffer.from(name)) - 1);
    }
    this.#values = new Int32Array(this.#keys.length);
  }

  /** @param end of the message, or of as much of it as is here */
  turnTo(bytes: Buffer, start: number, end: number): void {
    this.#message.turnTo(bytes, start, end);
    this.#scanned = false;
  }

  /** Holds on to nothing of the message. */
  leave(): void {
    this.#message.leave();
    this.#scanned = false;
  }

  /** @throws DecodeError when the message is none */
  value(name: string): Scalar {
    const field = this.#fields.get(name);
    if (field !== undefined) return field(this.#message);
    const at = this.#valueAt(name);
    return at === BEYOND ? null : readScalar(this.#message.bytes, at, this.#message.end);
  }

  /** Whether a number is of a floating type although it has no fraction. */
  approximate(name: string): boolean {
    const at = this.#valueAt(name);
    return at !== BEYOND && isFloating(this.#message.bytes, at);
  }

  #valueAt(name: string): number {
    const slot = this.#slots.get(name);
    if (slot === undefined) return BEYOND;
    if (!this.#scanned) this.#scan();
    return this.#values[slot] as number;
  }

  /** Finds all that are read in one pass over the application properties. */
  #scan(): void {
    this.#scanned = true;
    this.#values.fill(BEYOND);
    const { bytes, end } = this.#message;
    const map = this.#message.applicationAt();
    if (map === BEYOND) return;
    const code = bytes[map];
    if (code === 0x40) return;
    const width = code === 0xc1 ? 1 : code === 0xd1 ? 4 : 0;
    let at = map + 1 + 2 * width;
    if (width === 0 || at > end) throw new DecodeError('application properties are no map');
    const count = width === 1 ? (bytes[at - 1] as number) : bytes.readUInt32BE(at - 4);
    for (let left = count; left > 1; left -= 2) {
      const value = skip(bytes, at, end);
      const next = value === BEYOND ? BEYOND : skip(bytes, value, end);
      if (next === BEYOND) throw new DecodeError('application properties end within an entry');
      this.#note(bytes, at, value);
      at = next;
    }
  }

  /** Keeps the place of a value whose name is read. */
  #note(bytes: Buffer, key: number, value: number): void {
    const code = bytes[key];
    const head = code === STRING || code === SYMBOL ? 2 : code === STRING_LONG || code === SYMBOL_LONG ? 5 : 0;
    if (head === 0) return;
    const from = key + head;
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const name = this.#keys[slot] as Buffer;
      if (name.length === value - from && same(name, bytes, from)) this.#values[slot] = value;
    }
  }
}

function same(name: Buffer, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[from + at]) return false;
  return true;
}
