import { topicOfAddress } from '../../message/mapping/mqtt-topic';
import type { AddressKind, AddressRef } from '../../addresses/contract';
import { TOPIC_ALIASES_MAX, TOPICS_CACHED_MAX } from './limits';

/** Topic names of mesh addresses as bytes; of all clients of a node. */
export class TopicNames {
  readonly #topics: Readonly<Record<AddressKind, Map<string, Buffer | null>>> = {
    topic: new Map(),
    multicast: new Map(),
    anycast: new Map(),
    queue: new Map(),
  };

  /** Null where MQTT has no name for it. */
  of({ kind, name }: AddressRef): Buffer | null {
    const topics = this.#topics[kind];
    const known = topics.get(name);
    if (known !== undefined) return known;
    // A client knows topics of both kinds by their plain names.
    const topic = topicOfAddress(`${kind === 'multicast' ? 'topic' : kind}/${name}`);
    const bytes = topic === null ? null : Buffer.from(topic);
    if (topics.size >= TOPICS_CACHED_MAX) topics.clear();
    topics.set(name, bytes);
    return bytes;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Topics of messages to a client of MQTT 5, in short where it takes aliases (3.1.2.11.5). */
export class OutgoingAliases {
  readonly #aliases = new Map<Buffer, number>();
  readonly #max: number;
  /** What {@link use} found: the topic to be sent, empty behind an alias that the client knows; and the alias, 0 for none. */
  topic: Buffer = NOTHING;
  alias = 0;

  constructor(max: number) {
    this.#max = Math.min(max, TOPIC_ALIASES_MAX);
  }

  use(topic: Buffer): void {
    this.topic = topic;
    this.alias = 0;
    if (this.#max === 0) return;
    const known = this.#aliases.get(topic);
    if (known !== undefined) {
      this.topic = NOTHING;
      this.alias = known;
    } else if (this.#aliases.size < this.#max) {
      this.alias = this.#aliases.size + 1;
      this.#aliases.set(topic, this.alias);
    }
  }
}
