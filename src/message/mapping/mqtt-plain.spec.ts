import * as fc from 'fast-check';
import { AmqpMap, sym } from '../../amqp/codec/values';
import { DecodeError } from '../../amqp/errors';
import { encodeMessage } from '../encode-message';
import { dataBody, textBody, type Message } from '../message';
import { plainMessageBytes, writePlainMessage } from '../plain-message';
import { BYTES, EVENT, MESSAGE } from './mapping.fixture';
import { amqpToMqtt, mqttToAmqp, type MqttQos } from './mqtt';
import { MqttPlain, mqttHead, readMqttPlain } from './mqtt-plain';

const found = new MqttPlain();
const QOS = fc.constantFrom<MqttQos>(0, 1, 2);

function read(bytes: Buffer): string | null {
  const surrounded = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]);
  return readMqttPlain(surrounded, 3, 3 + bytes.length, found)
    ? surrounded.toString('hex', found.body.start, found.body.end)
    : null;
}

describe('the hot path of MQTT', () => {
  it('writes what the mapping writes of a publish without properties, and reads it', () => {
    fc.assert(
      fc.property(BYTES, QOS, fc.boolean(), (payload, qos, retain) => {
        const head = mqttHead(qos, retain, 'topic/a.b');
        const bytes = Buffer.alloc(plainMessageBytes(head, payload.length));
        writePlainMessage(bytes, 0, head, payload, 0, payload.length);
        expect(bytes).toEqual(mqttToAmqp({ payload, qos, retain }, 'topic/a.b', 0));
        expect(read(bytes)).toBe(payload.toString('hex'));
        // A retained one is rare, and takes the long way.
        expect(found).toMatchObject({ qos, retain, bare: !retain });
      }),
    );
  });

  it('reads of every message what the mapping delivers of it, or leaves it to that', () => {
    fc.assert(
      fc.property(fc.oneof(MESSAGE, EVENT), (message) => {
        const bytes = encodeMessage(message);
        const body = read(bytes);
        const delivery = amqpToMqtt(bytes, 0, bytes.length, 0);
        if (body === null) return;
        expect(body).toBe(delivery.payload.toString('hex'));
        expect(found.qos).toBe(delivery.qos ?? -1);
        expect(found.retain).toBe(delivery.retain);
        if (found.bare) expect(delivery.properties).toEqual({});
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, boolean, Partial<Message>]>([
    ['durable', true, { header: { durable: true } }],
    ['an address', true, { properties: { to: 'x' } }],
    ['delivery annotations', true, { deliveryAnnotations: new AmqpMap([[sym('x'), 1]]) }],
    ['a priority', false, { header: { priority: 5 } }],
    ['a ttl', false, { header: { ttl: 5 } }],
    ['an id', false, { properties: { messageId: '1' } }],
    ['a user id', false, { properties: { userId: Buffer.from('u') } }],
    ['a content type', false, { properties: { contentType: 'text/plain' } }],
    ['an annotation', false, { messageAnnotations: new AmqpMap([[sym('x'), 1]]) }],
    ['a property', false, { applicationProperties: new AmqpMap([['x', 1]]) }],
    ['a footer', false, { footer: new AmqpMap([[sym('x'), 1]]) }],
    ['a body that is a string', false, { body: textBody('body') }],
  ])('with %s and nothing else it is bare: %s', (_what, bare, message) => {
    expect(read(encodeMessage({ body: dataBody(Buffer.from('body')), ...message }))).toBe(
      Buffer.from('body').toString('hex'),
    );
    expect(found.bare).toBe(bare);
  });

  it('throws nothing but DecodeError, and reads nothing beyond the end, whatever the bytes', () => {
    const whole = mqttToAmqp({ payload: Buffer.from('body'), qos: 1, retain: true }, 'topic/a', 0);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        try {
          if (readMqttPlain(damaged, 0, end, found)) expect(found.body.end).toBeLessThanOrEqual(end);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
