/** Stamp inside a message's body: u32 sequence, then the time as a float64 in µs of the system's monotonic clock. */
const SEQUENCE = 0;
const TIME = 4;
export const STAMP_BYTES = 12;
/** Messages between two readings of the clock by a sender: what they wait for one another is a few µs. */
export const STAMPED_TOGETHER = 32;

/** From this process's `performance.now` to the monotonic clock, which all processes of one machine share. */
function originUs(): number {
  let origin = -Infinity;
  // A pause between the two readings makes the difference smaller: the greatest is the truest.
  for (let n = 0; n < 100; n++)
    origin = Math.max(origin, Number(process.hrtime.bigint() / 1_000n) - performance.now() * 1e3);
  return origin;
}

const ORIGIN_US = originUs();

/** Microseconds of the monotonic clock. */
export function monotonicUs(): number {
  return ORIGIN_US + performance.now() * 1e3;
}

/** The monotonic clock, read once in a turn: what one turn sends leaves together at its end, and what it is told came together. */
export class TurnClock {
  #us = 0;

  get us(): number {
    if (this.#us === 0) {
      this.#us = monotonicUs();
      queueMicrotask(this.#pass);
    }
    return this.#us;
  }

  readonly #pass = (): void => {
    this.#us = 0;
  };
}

/** A header section that says `durable`. */
const DURABLE = [0x00, 0x53, 0x70, 0xc0, 0x02, 0x01, 0x41];

/** One encoded AMQP message, a data section, behind a header where it is durable, that is stamped anew for each sending. */
export class Payload {
  readonly bytes: Buffer;
  readonly #body: number;

  constructor(bodyBytes: number, durable: boolean) {
    const short = bodyBytes < 256;
    const header = durable ? DURABLE : [];
    const data = header.length;
    this.#body = data + (short ? 5 : 8);
    this.bytes = Buffer.alloc(this.#body + bodyBytes, 0x2e);
    this.bytes.set([...header, 0x00, 0x53, 0x75, short ? 0xa0 : 0xb0]);
    if (short) this.bytes[data + 4] = bodyBytes;
    else this.bytes.writeUInt32BE(bodyBytes, data + 4);
  }

  sequence(value: number): void {
    const { bytes } = this;
    const at = this.#body + SEQUENCE;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  time(us: number): void {
    this.bytes.writeDoubleBE(us, this.#body + TIME);
  }
}

/** Offset of the stamp in a received message, whatever sections a router has put before the data; -1 when there is none. */
export function stampOffset(bytes: Buffer, start: number, end: number): number {
  // A short list, as a header is, is passed over at no cost worth counting; anything else is searched.
  const isShortHeader = bytes[start + 2] === 0x70 && bytes[start + 3] === 0xc0;
  const first = isShortHeader ? start + 5 + (bytes[start + 4] as number) : start;
  if (bytes[first + 2] === 0x75) return first + (bytes[first + 3] === 0xa0 ? 5 : 8);
  const at = bytes.indexOf('\x00\x53\x75', start, 'latin1');
  if (at < 0 || at + 8 + STAMP_BYTES > end) return -1;
  return bytes[at + 3] === 0xa0 ? at + 5 : at + 8;
}

export function sequenceAt(bytes: Buffer, stamp: number): number {
  return bytes.readUInt32BE(stamp + SEQUENCE);
}

export function timeAt(bytes: Buffer, stamp: number): number {
  return bytes.readDoubleBE(stamp + TIME);
}
