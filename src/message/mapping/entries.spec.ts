import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import { textBody } from '../message';
import { MessageFieldError } from './errors';
import { httpToAmqp } from './http';
import { kafkaToAmqp } from './kafka';
import { amqpToMqtt, mqttToAmqp } from './mqtt';
import { amqpToStomp, stompToAmqp } from './stomp';

const BODY = Buffer.from('x');
const TO = 'topic/a';

/** The same entries by each protocol. */
const BY: Readonly<Record<string, (entries: Readonly<Record<string, string>>) => Buffer>> = {
  mqtt: (userProperties) => mqttToAmqp({ payload: BODY, qos: 0, retain: false, properties: { userProperties } }, TO, 0),
  stomp: (headers) => stompToAmqp(new Map(Object.entries(headers)), BODY, TO),
  http: (headers) => httpToAmqp(headers, BODY, TO),
  kafka: (headers) =>
    kafkaToAmqp(
      {
        key: null,
        value: BODY,
        headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
      },
      TO,
    ),
};

describe.each(Object.keys(BY))('entries of ours by %s', (protocol) => {
  const take = (entries: Readonly<Record<string, string>>): Buffer => (BY[protocol] as (typeof BY)[string])(entries);

  it('set the fields of a message', () => {
    const message = decodeMessage(
      take({ 'fairlead-priority': '7', 'fairlead-message-id': 'ID:AMQP_ULONG:5', 'fairlead-subject': 's' }),
    );
    expect(message).toMatchObject({
      header: { priority: 7 },
      properties: { messageId: new AmqpTyped('ulong', 5), subject: 's' },
    });
  });

  it.each([
    ['fairlead-priority', '256'],
    ['fairlead-ttl', '-1'],
    ['fairlead-ttl', '4294967296'],
    ['fairlead-durable', 'yes'],
    ['fairlead-creation-time', '99999999999999999'],
    ['fairlead-user-id', '!'],
    ['fairlead-annotations', '[]'],
    ['fairlead-annotations', '{"é":1}'],
    ['fairlead-properties', 'x'],
    ['fairlead-footer', '1'],
    ['fairlead-body', 'x'],
    ['fairlead-subject', 'json:x'],
    ['fairlead-prioritty', '5'],
  ])('%s cannot be %s', (name, text) => {
    expect(() => take({ [name]: text })).toThrow(expect.objectContaining({ field: name }));
  });

  it('make no annotation of the mesh', () => {
    const forged = { 'x-opt-fairlead-path': ['a'], 'x-opt-fairlead-dead-reason': 'x', 'x-opt-own': 'y' };
    const message = decodeMessage(take({ 'fairlead-annotations': JSON.stringify(forged), 'fairlead-mesh-path': 'a' }));
    const names = [...(message.messageAnnotations ?? [])]
      .map(([key]) => String(key))
      .filter((name) => !name.includes('mqtt'));
    expect(names).toEqual(['x-opt-own']);
  });

  it('tell types of properties', () => {
    const property = protocol === 'http' ? 'fairlead-property-count' : 'count';
    const message = decodeMessage(take({ [property]: '5', 'fairlead-type-count': 'int' }));
    expect(message.applicationProperties).toEqual(new AmqpMap([['count', new AmqpTyped('int', 5)]]));
    expect(() => take({ [property]: 'five', 'fairlead-type-count': 'int' })).toThrow(MessageFieldError);
  });
});

it('what the mesh annotates is told', () => {
  const bytes = encodeMessage({
    header: { deliveryCount: 2 },
    messageAnnotations: new AmqpMap([[sym('x-opt-fairlead-dead-reason'), 'expired']]),
    body: textBody('x'),
  });
  expect(amqpToMqtt(bytes, 0, bytes.length, 0).properties.userProperties).toMatchObject({
    'fairlead-mesh-dead-reason': 'expired',
    'fairlead-delivery-count': '2',
    'fairlead-body': 'string',
  });
  expect(Object.fromEntries(amqpToStomp(bytes, 0, bytes.length).headers)).toMatchObject({
    'fairlead-mesh-dead-reason': 'expired',
  });
});

it('texts that are too long for MQTT come in pieces, and back', () => {
  const subject = 'é'.repeat(100_000);
  const long = 'x'.repeat(70_000);
  const bytes = encodeMessage({
    properties: { subject },
    applicationProperties: new AmqpMap([['long', long]]),
    body: textBody('x'),
  });
  const { payload, properties } = amqpToMqtt(bytes, 0, bytes.length, 0);
  for (const value of Object.values(properties.userProperties ?? {}).flat())
    expect(Buffer.byteLength(value)).toBeLessThanOrEqual(65_535);
  const back = decodeMessage(mqttToAmqp({ payload, qos: 0, retain: false, properties }, TO, 0));
  expect(back.properties?.subject).toBe(subject);
  expect(back.applicationProperties?.get('long')).toBe(long);
});
