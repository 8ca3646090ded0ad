import { MqttError, protocolError } from './errors';
import { TOPIC_ALIASES_MAX } from './limits';
import type { PublishView } from './publish-packet';
import type { Topic, Topics } from './topics';

/** Topics of a client's messages, by name or by the aliases that it gave them (3.3.2.3.4); of one connection ([MQTT-3.3.2-7]). */
export class TopicAliases {
  #topics: (Topic | undefined)[] = [];

  constructor(private readonly known: Topics) {}

  /** @throws MqttError, AddressError */
  topicOf({ topicAlias, topicStart, topicEnd }: PublishView, bytes: Buffer): Topic {
    if (topicAlias === 0) {
      if (topicEnd === topicStart) throw protocolError('neither a topic nor an alias [MQTT-4.7.3-1]');
      return this.known.find(bytes, topicStart, topicEnd);
    }
    if (topicAlias > TOPIC_ALIASES_MAX)
      throw new MqttError('FL_MQTT_TOPIC_ALIAS', `alias ${topicAlias} of at most ${TOPIC_ALIASES_MAX} [MQTT-3.3.2-9]`);
    if (topicEnd > topicStart) return (this.#topics[topicAlias] = this.known.find(bytes, topicStart, topicEnd));
    const topic = this.#topics[topicAlias];
    if (topic === undefined) throw protocolError(`alias ${topicAlias} was never given`);
    return topic;
  }
}
