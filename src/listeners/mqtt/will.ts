import type { SessionWill } from '../../addresses/client-contract';
import { MessageFieldError } from '../../message/mapping/errors';
import { encodeMessage } from '../../message/encode-message';
import type { Message } from '../../message/message';
import { mqttToMessage, type MqttQos } from '../../message/mapping/mqtt';
import { addressOfTarget, parseTopicName } from '../../message/mapping/mqtt-topic';
import type { WillRequest } from './connect-packet';
import { PROPERTY } from './constants';
import { MqttError } from './errors';
import { messageProperties } from './rich-messages';
import { isText } from './text';

/** The message that is published for a client that goes without a word (3.1.2.5), as the mesh keeps it. @throws MqttError */
export function sessionWill({ topic, payload, qos, retain, properties }: WillRequest, now: number): SessionWill {
  const address = addressOf(topic);
  const message = messageProperties(properties);
  if (message.payloadFormatIndicator === true && !isText(payload, 0, payload.length))
    throw new MqttError('FL_MQTT_PAYLOAD', 'the payload of the will is not UTF-8, as its indicator says');
  return {
    address,
    payload: encodeMessage(
      withoutEnd(mqttToMessage({ payload, qos: qos as MqttQos, retain, properties: message }, address, now)),
    ),
    durable: qos > 0,
    retain,
    delayMs: (properties.number(PROPERTY.willDelay) ?? 0) * 1_000,
  };
}

/** Its time begins when it is published. */
function withoutEnd(message: Message): Message {
  const { absoluteExpiryTime: _end, ...properties } = message.properties ?? {};
  return { ...message, properties };
}

function addressOf(topic: string): string {
  if (topic === '$SYS' || topic.startsWith('$SYS/'))
    throw new MqttError('FL_MQTT_TOPIC', 'topics below $SYS are for the node alone');
  try {
    return addressOfTarget(parseTopicName(topic, 'the topic of the will'));
  } catch (error) {
    if (error instanceof MessageFieldError) throw new MqttError('FL_MQTT_TOPIC', error.message);
    throw error;
  }
}
