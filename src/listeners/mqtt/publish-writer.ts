import type { Output } from '../../amqp/output';
import { copyBytes } from '../../common/copy';
import { PACKET } from './constants';
import type { Delivery } from './delivery';
import { OutgoingAliases } from './topic-writer';
import type { ClientFacts } from './peer';

/** What stands in front of the payload has a buffer's room, but for long topics and many properties. */
const HEAD_BYTES_MAX = 8 * 1024;
const ALIAS_BYTES = 3;
const ALIAS_PROPERTY = 0x23;

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

function putVarint(buffer: Buffer, from: number, value: number): number {
  let at = from;
  let left = value;
  while (left > 0x7f) {
    buffer[at++] = (left & 0x7f) | 0x80;
    left >>>= 7;
  }
  buffer[at++] = left;
  return at;
}

/** Writes PUBLISH packets to one client (3.3). */
export class PublishWriter {
  readonly #aliases: OutgoingAliases;
  readonly #v5: boolean;
  readonly #packetBytesMax: number;

  constructor(
    private readonly output: Output,
    { version, topicAliasMaximum, packetBytesMax }: ClientFacts,
  ) {
    this.#v5 = version === 5;
    this.#aliases = new OutgoingAliases(this.#v5 ? topicAliasMaximum : 0);
    this.#packetBytesMax = packetBytesMax;
  }

  /**
   * Whether a message fits what the client takes ([MQTT-3.1.2-24]), counted with its whole topic.
   * @param own properties of the subscription
   */
  fits(topic: Buffer, qos: number, own: Buffer, properties: Buffer, payloadBytes: number): boolean {
    if (this.#packetBytesMax === Infinity) return true;
    const ofProperties = own.length + properties.length + ALIAS_BYTES;
    const length = 2 + topic.length + (qos > 0 ? 2 : 0) + (this.#v5 ? 4 + ofProperties : 0) + payloadBytes;
    return 1 + varintBytes(length) + length <= this.#packetBytesMax;
  }

  /** @param flags DUP, QoS and RETAIN, as they stand in the first byte */
  write(topic: Buffer, flags: number, packetId: number, own: Buffer, delivery: Delivery): void {
    const { bytes, start, end, properties } = delivery;
    this.writeHead(topic, flags, packetId, own, properties, end - start);
    this.output.copy(bytes, start, end);
  }

  /** All but the payload, which the caller writes behind it. */
  writeHead(
    topic: Buffer,
    flags: number,
    packetId: number,
    own: Buffer,
    properties: Buffer,
    payloadBytes: number,
  ): void {
    const { output } = this;
    const aliases = this.#aliases;
    aliases.use(topic);
    const name = aliases.topic;
    const ofProperties = own.length + properties.length + (aliases.alias > 0 ? ALIAS_BYTES : 0);
    const head = 2 + name.length + (packetId > 0 ? 2 : 0) + (this.#v5 ? varintBytes(ofProperties) + ofProperties : 0);
    const whole = 5 + head;
    const direct = whole <= HEAD_BYTES_MAX;
    const buffer = direct ? (output.reserve(whole), output.buffer) : Buffer.allocUnsafe(whole);
    const from = direct ? output.reserve(whole) : 0;
    let at = from;
    buffer[at++] = (PACKET.publish << 4) | flags;
    at = putVarint(buffer, at, head + payloadBytes);
    buffer[at++] = name.length >>> 8;
    buffer[at++] = name.length & 0xff;
    copyBytes(name, 0, name.length, buffer, at);
    at += name.length;
    if (packetId > 0) {
      buffer[at++] = packetId >>> 8;
      buffer[at++] = packetId & 0xff;
    }
    if (this.#v5) at = this.#putProperties(buffer, at, ofProperties, own, properties);
    if (direct) output.commit(at);
    else output.copy(buffer, 0, at);
  }

  #putProperties(buffer: Buffer, from: number, length: number, own: Buffer, properties: Buffer): number {
    const { alias } = this.#aliases;
    let at = putVarint(buffer, from, length);
    if (alias > 0) {
      buffer[at++] = ALIAS_PROPERTY;
      buffer[at++] = alias >>> 8;
      buffer[at++] = alias & 0xff;
    }
    at += own.copy(buffer, at);
    return at + properties.copy(buffer, at);
  }
}
