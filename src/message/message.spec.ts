import * as fc from 'fast-check';
import { described } from '../amqp/codec/delivery-states';
import { encodeValue } from '../amqp/codec/encoder';
import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../amqp/codec/values';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { Located, locate, SECTION } from './locate';
import { type Message, dataBody, textBody } from './message';

const FULL: Message = {
  header: { durable: true, priority: 7, ttl: 60_000, firstAcquirer: true, deliveryCount: 3 },
  deliveryAnnotations: new AmqpMap([[sym('x-opt-a'), 1]]),
  messageAnnotations: new AmqpMap([[sym('x-opt-b'), 'two']]),
  properties: {
    messageId: new AmqpTyped('ulong', 9),
    userId: Buffer.from('me'),
    to: 'topic/orders.new',
    subject: 'new',
    replyTo: 'temp.1',
    correlationId: 'c-1',
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    absoluteExpiryTime: new Date(2_000),
    creationTime: new Date(1_000),
    groupId: 'g',
    groupSequence: 4,
    replyToGroupId: 'r',
  },
  applicationProperties: new AmqpMap([
    ['region', 'eu'],
    ['size', 12],
  ]),
  body: textBody('hello'),
  footer: new AmqpMap([[sym('crc'), 5]]),
};

const header = (fields: AmqpValue): Buffer => encodeValue(described(SECTION.header, fields));
const properties = (fields: AmqpValue): Buffer => encodeValue(described(SECTION.properties, fields));

describe('a message', () => {
  it('comes back from the wire with every section', () => {
    const decoded = decodeMessage(encodeMessage(FULL));
    expect(encodeMessage(decoded)).toEqual(encodeMessage(FULL));
    expect(decoded.header).toEqual(FULL.header);
    expect(decoded.properties).toEqual(FULL.properties);
    expect([...(decoded.applicationProperties ?? [])]).toEqual([
      ['region', 'eu'],
      ['size', 12],
    ]);
  });

  it.each([
    ['data', { kind: 'data', parts: [Buffer.from([0, 255]), Buffer.from('more')] }],
    ['sequence', { kind: 'sequence', lists: [[1, 'a'], [null]] }],
    ['value', { kind: 'value', value: [true, -3] }],
  ] as const)('keeps a body of %s', (_kind, body) => {
    expect(decodeMessage(encodeMessage({ body })).body).toEqual(body);
  });

  it('is read by what routing looks for', () => {
    const bytes = encodeMessage(FULL);
    const found = new Located();
    locate(bytes, 0, bytes.length, true, found);
    expect(found.durable).toBe(true);
    expect(bytes.toString('utf8', found.toStart, found.toEnd)).toBe('topic/orders.new');
  });

  it('without any section has an empty body', () => {
    expect(decodeMessage(Buffer.alloc(0)).body).toEqual({ kind: 'data', parts: [] });
  });

  it.each([
    ['a bare value', Buffer.from([0x40])],
    ['an unknown section', Buffer.from([0x00, 0x53, 0x7f, 0x40])],
    ['a header that is no list', Buffer.from([0x00, 0x53, 0x70, 0x40])],
    ['two values', Buffer.from([0x00, 0x53, 0x77, 0x40, 0x00, 0x53, 0x77, 0x40])],
    [
      'a value behind data',
      Buffer.concat([encodeMessage({ body: dataBody(Buffer.from('x')) }), Buffer.from([0, 0x53, 0x77, 0x40])]),
    ],
    ['a string as durable', Buffer.from([0x00, 0x53, 0x70, 0xc0, 0x04, 0x01, 0xa1, 0x01, 0x61])],
    ['a priority of more than a byte', header([null, new AmqpTyped('uint', 256)])],
    ['a priority below zero', header([null, new AmqpTyped('int', -1)])],
    ['a ttl of more than four bytes', header([null, null, new AmqpTyped('ulong', 2 ** 32)])],
    ['a ttl that is an id', header([null, null, new AmqpTyped('uuid', Buffer.alloc(16))])],
    ['a delivery count with a fraction', header([null, null, null, null, new AmqpTyped('double', 1.5)])],
    ['a time that no date can hold', properties([...Array<null>(9).fill(null), new AmqpTyped('timestamp', 2n ** 62n)])],
    ['a header of six fields', Buffer.from([0x00, 0x53, 0x70, 0xc0, 0x07, 0x06, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40])],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(expect.objectContaining({ condition: 'amqp:decode-error' }) as Error);
  });

  it('never fails in another way, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        try {
          decodeMessage(Buffer.concat([Buffer.from([0, 0x53]), Buffer.from(noise)]));
        } catch (error) {
          expect((error as { condition?: string }).condition).toBe('amqp:decode-error');
        }
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});
