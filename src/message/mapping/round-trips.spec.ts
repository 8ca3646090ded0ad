import * as fc from 'fast-check';
import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import { textBody, type Message } from '../message';
import { amqpToHttp, httpToAmqp } from './http';
import { amqpToKafka, kafkaToAmqp } from './kafka';
import { comparable, EVENT, MESSAGE } from './mapping.fixture';
import { amqpToMqtt, mqttToAmqp } from './mqtt';
import { amqpToStomp, stompToAmqp } from './stomp';

const TO = 'topic/a.b';
const NOW = 1_700_000_000_000;

const ANY_MESSAGE = fc.oneof(MESSAGE, EVENT);

/** Over a protocol and back. */
const OVER: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  stomp: (bytes) => {
    const { headers, body } = amqpToStomp(bytes, 0, bytes.length);
    return stompToAmqp(headers, body, TO);
  },
  http: (bytes) => {
    const { headers, body } = amqpToHttp(bytes, 0, bytes.length);
    return httpToAmqp(headers, body, TO);
  },
  kafka: (bytes) => kafkaToAmqp(amqpToKafka(bytes, 0, bytes.length), TO),
};

function addressed(message: Message): Message {
  return { ...message, properties: { ...message.properties, to: TO } };
}

describe('AMQP, another protocol, and AMQP again', () => {
  it.each(Object.keys(OVER))('over %s is the same message', (protocol) => {
    fc.assert(
      fc.property(ANY_MESSAGE, (message) => {
        const back = decodeMessage((OVER[protocol] as (bytes: Buffer) => Buffer)(encodeMessage(message)));
        expect(comparable(back)).toEqual(comparable(addressed(message)));
      }),
      { numRuns: 200 },
    );
  });

  it('over Kafka a group and the attribute partitionkey are told apart', () => {
    for (const groupId of [undefined, 'p', 'other']) {
      const message: Message = {
        properties: groupId === undefined ? {} : { groupId },
        applicationProperties: new AmqpMap([['cloudEvents_partitionkey', 'p']]),
        body: textBody('x'),
      };
      const bytes = encodeMessage(message);
      const record = amqpToKafka(bytes, 0, bytes.length);
      expect(record.key?.toString()).toBe(groupId ?? 'p');
      expect(comparable(decodeMessage(kafkaToAmqp(record, TO)))).toEqual(comparable(addressed(message)));
    }
  });

  /** What MQTT says differently: how it was published, and expiry by whole seconds from now. */
  function asMqttSays(message: Message, now: number): Message {
    const { ttl = 0xffff_ffff, ...header } = message.header ?? {};
    const { absoluteExpiryTime, ...properties } = message.properties ?? {};
    const until = absoluteExpiryTime === undefined ? Infinity : absoluteExpiryTime.getTime() - now;
    const left = Math.min(ttl === 0xffff_ffff ? Infinity : ttl, until);
    const whole = left === Infinity ? message.header?.ttl : left;
    const seconds = whole === undefined ? undefined : Math.min(Math.max(1, Math.ceil(whole / 1_000)), 0xffff_ffff);
    const annotations = new AmqpMap([
      ...(message.messageAnnotations ?? []),
      [sym('x-opt-mqtt-qos'), new AmqpTyped('ubyte', 1)],
    ]);
    return {
      ...message,
      header: {
        ...header,
        durable: true,
        ...(seconds !== undefined && { ttl: Math.min(seconds * 1_000, 0xffff_ffff) }),
      },
      messageAnnotations: annotations,
      properties: {
        ...properties,
        to: TO,
        ...(seconds !== undefined && { absoluteExpiryTime: new Date(now + seconds * 1_000) }),
      },
    };
  }

  it('over MQTT 5 is the same message, but for what MQTT says differently', () => {
    fc.assert(
      fc.property(ANY_MESSAGE, (message) => {
        const bytes = encodeMessage(message);
        const { payload, retain, properties } = amqpToMqtt(bytes, 0, bytes.length, NOW);
        const back = decodeMessage(mqttToAmqp({ payload, qos: 1, retain, properties }, TO, NOW));
        expect(comparable(back)).toEqual(comparable(asMqttSays(message, NOW)));
      }),
      { numRuns: 200 },
    );
  });
});
