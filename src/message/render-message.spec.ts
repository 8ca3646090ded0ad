import { AmqpArray, AmqpDescribed, AmqpMap, AmqpTyped, type AmqpValue, sym } from '../amqp/codec/values';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { type MessageBody, dataBody, textBody } from './message';
import { messageToJson, messageToLine, valueToJson } from './render-message';

describe('a message as a line', () => {
  it.each<[string, MessageBody, string]>([
    ['text', textBody('grüße'), 'grüße'],
    ['text with control characters', textBody('a\nb\r\u001b[2Jc\u2028d'), 'a\\nb\\r\\u001b[2Jc\\u2028d'],
    ['bytes that are text', dataBody(Buffer.from('plain')), 'plain'],
    ['bytes that are none', dataBody(Buffer.from([0xff, 0])), '{"base64":"/wA="}'],
    ['nothing', { kind: 'data', parts: [] }, ''],
    ['a value', { kind: 'value', value: [1, true, null] }, '[1,true,null]'],
    ['a sequence', { kind: 'sequence', lists: [[1], ['b']] }, '[[1],["b"]]'],
  ])('%s', (_what, body, line) => expect(messageToLine({ body })).toBe(line));
});

describe('a message as JSON', () => {
  it('has every section that the message has', () => {
    const message = decodeMessage(
      encodeMessage({
        header: { durable: true, deliveryCount: 2 },
        messageAnnotations: new AmqpMap([[sym('x-opt-fairlead-path'), ['east', 'west']]]),
        properties: { messageId: 'm1', correlationId: new AmqpTyped('ulong', 7), creationTime: new Date(0) },
        applicationProperties: new AmqpMap([['region', 'eu']]),
        body: textBody('hi'),
      }),
    );
    expect(JSON.parse(messageToJson(message))).toEqual({
      header: { durable: true, deliveryCount: 2 },
      messageAnnotations: { 'x-opt-fairlead-path': ['east', 'west'] },
      properties: { messageId: 'm1', correlationId: 7, creationTime: '1970-01-01T00:00:00.000Z' },
      applicationProperties: { region: 'eu' },
      body: 'hi',
    });
  });

  it.each<[AmqpValue, unknown]>([
    [
      new AmqpTyped('uuid', Buffer.from('00112233445566778899aabbccddeeff', 'hex')),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    [new AmqpTyped('decimal32', Buffer.from([1, 2, 3, 4])), { decimal32: '01020304' }],
    [new AmqpTyped('char', 0x1f600), '😀'],
    [new AmqpTyped('double', Infinity), 'Infinity'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [new Date(Number.NaN), null],
    [sym('s'), 's'],
    [new AmqpArray(0x71, [1, 2]), [1, 2]],
    [new AmqpMap([[new AmqpTyped('uint', 3), 'x']]), { '3': 'x' }],
    [new AmqpDescribed(sym('d'), 1), { descriptor: 'd', value: 1 }],
  ])('tells %p', (value, json) => expect(valueToJson(value)).toEqual(json));
});
