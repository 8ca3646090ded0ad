import * as fc from 'fast-check';
import { decodeMessage } from '../decode-message';
import { amqpToHttp, httpToAmqp } from './http';
import { amqpToKafka, kafkaToAmqp, type KafkaHeader, type KafkaRecord } from './kafka';
import { BYTES, comparable, TEXT } from './mapping.fixture';
import { amqpToMqtt, mqttToAmqp, type MqttProperties, type MqttPublish, type MqttQos } from './mqtt';
import { isMqttText } from './mqtt-topic';
import { amqpToStomp, stompToAmqp } from './stomp';

const TO = 'topic/a.b';
const NOW = 1_700_000_000_000;

/** Names of a user's own; ours are reserved, and those of the AMQP binding of CloudEvents are the attributes that they say. */
function isOwn(name: string): boolean {
  return !name.startsWith('fairlead-') && !/^cloudEvents[:_]/.test(name);
}

const EVENT_NAMES = ['specversion', 'id', 'source', 'type', 'time', 'count'];

const MQTT_TEXT = TEXT.filter(isMqttText);
const MQTT_NAME = fc.oneof(MQTT_TEXT, fc.constantFrom(...EVENT_NAMES, 'a'.repeat(65_535))).filter(isOwn);
const USER_PROPERTIES = fc
  .uniqueArray(
    fc.tuple(
      MQTT_NAME,
      fc.oneof({ weight: 4, arbitrary: MQTT_TEXT }, fc.array(MQTT_TEXT, { minLength: 2, maxLength: 4 })),
    ),
    { minLength: 1, maxLength: 6, selector: ([name]) => name },
  )
  .map(
    (entries) =>
      Object.assign(Object.create(null) as object, Object.fromEntries(entries)) as Record<string, string | string[]>,
  );

const MQTT_PROPERTIES: fc.Arbitrary<MqttProperties> = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.integer({ min: 1, max: 0xffff_ffff }),
    contentType: MQTT_TEXT,
    responseTopic: MQTT_TEXT.map((text) => text.replace(/[+#]/g, '')).filter(
      (topic) => topic !== '' && !topic.startsWith('$'),
    ),
    correlationData: fc.oneof(
      BYTES,
      TEXT.map((text) => Buffer.from(text)),
    ),
    userProperties: USER_PROPERTIES,
  },
  { requiredKeys: [] },
);

const PUBLISH: fc.Arbitrary<MqttPublish & { readonly properties: MqttProperties }> = fc.record({
  payload: BYTES,
  qos: fc.constantFrom<MqttQos>(0, 1, 2),
  retain: fc.boolean(),
  properties: MQTT_PROPERTIES,
});

/** Anything that a header of the protocol may be called, and say. */
function headers(name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Map<string, string>> {
  return fc
    .uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one })
    .map((entries) => new Map(entries));
}

const WHOLE = fc.nat(0xffff_ffff).map(String);
const STOMP_TEXT = TEXT.map((text) => text.replace(/[\0\r]/g, ''));
const STOMP_HEADERS = fc
  .tuple(
    headers(
      STOMP_TEXT.filter((name) => name !== '' && isOwn(name)),
      STOMP_TEXT,
    ),
    fc.record(
      {
        'content-type': STOMP_TEXT,
        persistent: fc.constantFrom('true', 'false'),
        priority: fc.nat(255).map(String),
        expires: fc.integer({ min: 1, max: 2 ** 45 }).map(String),
        timestamp: WHOLE,
        'reply-to': fc.oneof(
          fc.constantFrom('/queue/x', '/topic/a.b', '/temp-queue/x', 'plain'),
          STOMP_TEXT.filter((text) => !/^(topic|queue|anycast|multicast)(:\/)?\//.test(text)),
        ),
        'correlation-id': STOMP_TEXT,
        type: STOMP_TEXT,
        JMSXGroupID: STOMP_TEXT,
        JMSXGroupSeq: WHOLE,
      },
      { requiredKeys: [] },
    ),
  )
  .map(([own, fields]) => new Map([...own, ...Object.entries(fields)]));

const KAFKA_VALUE: fc.Arbitrary<KafkaHeader> = fc.oneof(
  TEXT.map((text) => Buffer.from(text)),
  BYTES,
  fc.constant(null),
);
const KAFKA_NAME = fc
  .oneof(TEXT, fc.constantFrom('ce_id', 'ce_specversion', 'ce_partitionkey', 'ce_X', 'content-encoding'))
  .filter((name) => isOwn(name) && name !== 'content-type');
const RECORD: fc.Arbitrary<KafkaRecord> = fc
  .tuple(
    fc.record(
      {
        key: fc.oneof(BYTES, fc.constant(null)),
        value: fc.oneof(BYTES, fc.constant(null)),
        timestamp: fc.nat(2 ** 45),
      },
      { requiredKeys: ['key', 'value'] },
    ),
    fc.uniqueArray(
      fc.tuple(
        KAFKA_NAME,
        fc.oneof({ weight: 3, arbitrary: KAFKA_VALUE }, fc.array(KAFKA_VALUE, { minLength: 2, maxLength: 3 })),
      ),
      { maxLength: 5, selector: ([name]) => name },
    ),
    fc.option(TEXT, { nil: undefined }),
  )
  .map(([record, entries, contentType]) => ({
    ...record,
    headers: Object.assign(
      Object.create(null) as object,
      Object.fromEntries(entries),
      contentType === undefined ? {} : { 'content-type': Buffer.from(contentType) },
    ) as KafkaRecord['headers'],
  }));

describe('another protocol, AMQP, and that protocol again', () => {
  it('MQTT 5 is the same publish, with its properties', () => {
    fc.assert(
      fc.property(PUBLISH, (publish) => {
        const bytes = mqttToAmqp(publish, TO, NOW);
        expect(amqpToMqtt(bytes, 0, bytes.length, NOW)).toEqual(publish);
      }),
      { numRuns: 300 },
    );
  });

  it('MQTT 5 is told what is left of an interval', () => {
    const publish = {
      payload: Buffer.from('x'),
      qos: 1,
      retain: false,
      properties: { messageExpiryInterval: 10 },
    } as const;
    const bytes = mqttToAmqp(publish, TO, NOW);
    const left = (later: number): number | undefined =>
      amqpToMqtt(bytes, 0, bytes.length, NOW + later).properties.messageExpiryInterval;
    // [MQTT-3.3.2-6]
    expect([0, 3_500, 9_999, 12_000, -60_000].map(left)).toEqual([10, 7, 1, 1, 10]);
  });

  it('STOMP is the same headers and body', () => {
    fc.assert(
      fc.property(STOMP_HEADERS, BYTES, (sent, body) => {
        const bytes = stompToAmqp(sent, body, TO);
        const told = amqpToStomp(bytes, 0, bytes.length);
        expect(told.body).toEqual(body);
        expect(new Map([...told.headers].sort())).toEqual(new Map([...sent].sort()));
      }),
      { numRuns: 300 },
    );
  });

  it('STOMP 1.0 is told nothing that it has no escape for', () => {
    fc.assert(
      fc.property(STOMP_HEADERS, BYTES, (sent, body) => {
        const bytes = stompToAmqp(sent, body, TO);
        const { headers: told } = amqpToStomp(bytes, 0, bytes.length, false);
        for (const [name, text] of told) {
          expect(name).not.toMatch(/[:\n\r\0]/);
          expect(text).not.toMatch(/[\n\r\0]/);
        }
        expect(comparable(decodeMessage(stompToAmqp(told, body, TO)))).toEqual(comparable(decodeMessage(bytes)));
      }),
    );
  });

  it('HTTP is the same headers, however they were encoded', () => {
    const name = fc.oneof(fc.stringMatching(/^[a-z0-9._%-]{1,10}$/), fc.constantFrom('%41b', 'a%2fb', '%'));
    const value = fc.oneof(fc.stringMatching(/^[\x20-\x7e]{0,20}$/), fc.constantFrom('%C3%A9', '%zz', '%ff', 'a, b'));
    const mapped = headers(
      fc.oneof(
        name.map((own) => `fairlead-property-${own}`),
        fc.constantFrom('ce-id', 'ce-type', 'fairlead-subject', 'content-type'),
      ),
      value,
    );
    fc.assert(
      fc.property(mapped, BYTES, (sent, body) => {
        const over = (all: Readonly<Record<string, string>>): Record<string, string> => {
          const bytes = httpToAmqp(all, body, TO);
          const told = amqpToHttp(bytes, 0, bytes.length);
          expect(told.body).toEqual(body);
          return told.headers;
        };
        const first = over({ ...Object.fromEntries(sent), host: 'x', 'x-other': 'y' });
        for (const [header, text] of Object.entries(first)) {
          expect(header).toMatch(/^[a-z0-9!#$%&'*+.^_`|~A-Z-]+$/);
          expect(text).toMatch(/^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/);
        }
        expect(over(first)).toEqual(first);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['the attribute partitionkey of an event', Buffer.from('p'), undefined],
    ['an attribute that is no UTF-8', Buffer.from([0xff]), undefined],
    ['a group', Buffer.from('other'), 'other'],
    ['nothing', null, undefined],
  ])('a key of Kafka is %s', (_what, key, groupId) => {
    const partitionKey = groupId === undefined && key !== null ? key : Buffer.from('p');
    const record = { key, value: Buffer.from('x'), headers: { ce_partitionkey: partitionKey } };
    const bytes = kafkaToAmqp(record, TO);
    expect(decodeMessage(bytes).properties?.groupId).toBe(groupId);
    expect(amqpToKafka(bytes, 0, bytes.length)).toMatchObject(record);
  });

  it('Kafka is the same record', () => {
    fc.assert(
      fc.property(RECORD, (record) => {
        const bytes = kafkaToAmqp(record, TO);
        expect(amqpToKafka(bytes, 0, bytes.length)).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });
});
