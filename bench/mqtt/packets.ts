/** Packets of MQTT 3.1.1, built before they are needed: the load generator must not be what is measured. */

export const SUBACK = 0x90;
export const PUBACK = 0x40;
const PUBLISH = 0x30;
const CLEAN = 0x02;

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >>> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left >>>= 7) {
    if (left < 0x80) {
      length.push(left);
      break;
    }
    length.push((left & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** A session that ends with its connection, without keep-alive. */
export function connectPacket(clientId: string): Buffer {
  return packet(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, CLEAN, 0, 0]), text(clientId)]));
}

export function subscribePacket(topic: string, qos: number): Buffer {
  return packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(topic), Buffer.from([qos])]));
}

/** Bytes of an acknowledgement. */
export const ACK_BYTES = 4;

/**
 * PUBLISH packets of one topic, one behind the other, and all of one length: sent in order again and again. Those that arrive have this length too,
 * since 3.1.1 has no properties.
 */
export class PublishRing {
  readonly packetBytes: number;
  readonly #bytes: Buffer;
  readonly #idAt: number;
  readonly #stampAt: number;

  constructor(
    topic: string,
    readonly qos: number,
    bodyBytes: number,
    readonly slots: number,
  ) {
    const head = qos === 0 ? text(topic) : Buffer.concat([text(topic), Buffer.alloc(2)]);
    const one = packet(PUBLISH | (qos << 1), Buffer.concat([head, Buffer.alloc(bodyBytes, 'x')]));
    this.packetBytes = one.length;
    this.#stampAt = one.length - bodyBytes;
    this.#idAt = this.#stampAt - 2;
    this.#bytes = Buffer.concat(Array.from({ length: slots }, () => one));
    if (qos > 0)
      for (let slot = 0; slot < slots; slot++) this.#bytes.writeUInt16BE(slot + 1, slot * one.length + this.#idAt);
  }

  /** Stamps as many packets as fit from the one numbered `from` on, without going past the end of the ring. @returns their bytes */
  next(from: number, most: number, leftAtUs: (number: number) => number): Buffer {
    const slot = from % this.slots;
    const count = Math.min(most, this.slots - slot);
    for (let at = 0; at < count; at++) {
      const stamp = (slot + at) * this.packetBytes + this.#stampAt;
      this.#bytes.writeUInt32BE((from + at) >>> 0, stamp);
      this.#bytes.writeDoubleBE(leftAtUs(from + at), stamp + 4);
    }
    return this.#bytes.subarray(slot * this.packetBytes, (slot + count) * this.packetBytes);
  }

  /** Of a packet that came at `at`. */
  idOf(bytes: Buffer, at: number): number {
    return bytes.readUInt16BE(at + this.#idAt);
  }

  numberOf(bytes: Buffer, at: number): number {
    return bytes.readUInt32BE(at + this.#stampAt);
  }

  leftAtUs(bytes: Buffer, at: number): number {
    return bytes.readDoubleBE(at + this.#stampAt + 4);
  }

  /** @throws Error when what stands at `at` is no PUBLISH as they are sent here */
  check(bytes: Buffer, at: number): void {
    if ((bytes[at] as number) >>> 4 !== PUBLISH >>> 4) throw new Error(`packet of type ${(bytes[at] as number) >>> 4}`);
  }
}
