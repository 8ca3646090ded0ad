import type { AddressRef, AddressSpace } from '../../addresses/contract';
import { mqttHead } from '../../message/mapping/mqtt-plain';
import type { MqttQos } from '../../message/mapping/mqtt';
import { addressOfTarget, parseTopicName } from '../../message/mapping/mqtt-topic';
import { MessageFieldError } from '../../message/mapping/errors';
import { MqttError } from './errors';
import { TOPIC_CACHED_BYTES_MAX, TOPICS_CACHED_MAX } from './limits';
import { checkText } from './text';

/** What a topic name that is published to means. */
export class Topic {
  /** Heads of its plain messages, by QoS and whether they are retained. */
  readonly #heads: Buffer[] = [];

  constructor(
    readonly bytes: Buffer,
    readonly hash: number,
    readonly ref: AddressRef,
    /** As other clients write the address. */
    readonly address: string,
  ) {}

  /** All of a plain message but its body. */
  head(qos: number, retain: boolean): Buffer {
    const at = qos + (retain ? 4 : 0);
    return (this.#heads[at] ??= mqttHead(qos as MqttQos, retain, this.address));
  }
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** What the node says of itself; no client publishes there. */
const SYSTEM = Buffer.from('$SYS');

/** What topic names mean, found by their bytes without making a string; of all clients of a node. */
export class Topics {
  readonly #slots: (Topic | undefined)[] = [];

  constructor(private readonly addresses: Pick<AddressSpace, 'resolve'>) {}

  /**
   * @throws MqttError when the name is none of MQTT
   * @throws AddressError when the mesh has another kind of address of this name
   */
  find(bytes: Buffer, start: number, end: number): Topic {
    let hash = FNV_OFFSET;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), FNV_PRIME);
    const slot = (hash >>> 0) % TOPICS_CACHED_MAX;
    const known = this.#slots[slot];
    if (known !== undefined && known.hash === hash && equals(known.bytes, bytes, start, end)) return known;
    const topic = this.#resolve(Buffer.from(bytes.subarray(start, end)), hash);
    if (end - start <= TOPIC_CACHED_BYTES_MAX) this.#slots[slot] = topic;
    return topic;
  }

  #resolve(bytes: Buffer, hash: number): Topic {
    checkText(bytes, 0, bytes.length, 'the topic');
    if (bytes.length >= 4 && equals(SYSTEM, bytes, 0, 4) && (bytes.length === 4 || bytes[4] === 0x2f))
      throw new MqttError('FL_MQTT_TOPIC', 'topics below $SYS are for the node alone');
    const target = targetOf(bytes.toString('utf8'));
    const address = addressOfTarget(target);
    // A topic of a client may be one of topics or of multicast: its rule decides.
    const ref =
      target.kind === 'topic' ? this.addresses.resolve(target.name, 'topic') : this.addresses.resolve(address, null);
    return new Topic(bytes, hash, ref, address);
  }
}

function targetOf(name: string): ReturnType<typeof parseTopicName> {
  try {
    return parseTopicName(name);
  } catch (error) {
    if (error instanceof MessageFieldError) throw new MqttError('FL_MQTT_TOPIC', error.message);
    throw error;
  }
}

function equals(one: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = one;
  if (length !== end - start) return false;
  for (let at = 0; at < length; at++) if (one[at] !== bytes[start + at]) return false;
  return true;
}
