import fc from 'fast-check';
import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../amqp/codec/values';
import { encodeValue, ValueEncoder } from '../amqp/codec/encoder';
import { DecodeError } from '../amqp/errors';
import { encodeMessage } from './encode-message';
import { SECTION } from './locate';
import { textBody, type Message } from './message';
import { PutFields, readPutFields } from './put-fields';

const found = new PutFields();

function read(message: Partial<Message>): PutFields {
  const bytes = encodeMessage({ body: textBody('body'), ...message });
  const shifted = Buffer.concat([Buffer.from('front'), bytes, Buffer.from('back')]);
  readPutFields(shifted, 5, 5 + bytes.length, true, found);
  return found;
}

/** A message of one list section and a body. */
function section(code: number, fields: readonly AmqpValue[]): Buffer {
  const encoder = new ValueEncoder().descriptor(code).list(fields);
  return encoder.descriptor(SECTION.value).value('body').take();
}

const NOTHING = {
  durable: false,
  priority: 4,
  ttl: -1,
  absoluteExpiry: -1,
  creation: -1,
  deliveryTime: -1,
  deliveryDelay: -1,
  groupSequence: -1,
};

describe('what a queue reads of a message', () => {
  it('is nothing where nothing is said', () => {
    expect(read({})).toMatchObject(NOTHING);
    expect([found.idStart - found.idEnd, found.groupStart - found.groupEnd]).toEqual([0, 0]);
  });

  it('is header, properties and the two annotations', () => {
    const bytes = encodeMessage({
      header: { durable: true, priority: 7, ttl: 70_000 },
      messageAnnotations: new AmqpMap([
        [sym('x-opt-other'), new AmqpMap([['deep', [1, 2]]])],
        [sym('x-opt-delivery-time'), 1_700_000_000_000],
        [sym('x-opt-delivery-delay'), new AmqpTyped('uint', 5_000)],
      ]),
      properties: {
        messageId: 'id-1',
        absoluteExpiryTime: new Date(1_700_000_005_000),
        creationTime: new Date(1_700_000_000_001),
        groupId: 'group ü',
        groupSequence: 300,
      },
      body: textBody('body'),
    });
    readPutFields(bytes, 0, bytes.length, true, found);
    expect(found).toMatchObject({
      durable: true,
      priority: 7,
      ttl: 70_000,
      absoluteExpiry: 1_700_000_005_000,
      creation: 1_700_000_000_001,
      deliveryTime: 1_700_000_000_000,
      deliveryDelay: 5_000,
      groupSequence: 300,
    });
    expect(bytes.subarray(found.idStart, found.idEnd)).toEqual(encodeValue('id-1'));
    expect(bytes.toString('utf8', found.groupStart, found.groupEnd)).toBe('group ü');
  });

  it('clamps priorities, and takes negative times as now', () => {
    expect(read({ header: { priority: 200 } }).priority).toBe(9);
    const annotations = new AmqpMap([[sym('x-opt-delivery-delay'), -5]]);
    expect(read({ messageAnnotations: annotations }).deliveryDelay).toBe(0);
  });

  it('takes fields that are null as absent', () => {
    const header = section(SECTION.header, [null, null, null, null]);
    readPutFields(header, 0, header.length, true, found);
    expect(found).toMatchObject(NOTHING);
    const properties = section(SECTION.properties, Array<null>(13).fill(null));
    readPutFields(properties, 0, properties.length, true, found);
    expect(found).toMatchObject(NOTHING);
  });

  it.each([
    ['no message', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['a header that is no list', new ValueEncoder().descriptor(SECTION.header).value('text').take()],
    ['a priority of text', section(SECTION.header, [true, 'high'])],
    ['a ttl of text', section(SECTION.header, [true, null, 'long'])],
    ['a group-id of a number', section(SECTION.properties, [...Array<null>(10).fill(null), 5])],
    ['an expiry of text', section(SECTION.properties, [...Array<null>(8).fill(null), 'soon'])],
    [
      'a header cut short',
      section(SECTION.header, [true, new AmqpTyped('ubyte', 5), new AmqpTyped('uint', 70_000)]).subarray(0, 9),
    ],
    ['a list of more fields than bytes', Buffer.from([0, 0x53, 0x70, 0xc0, 2, 200, 0x41])],
    [
      'a delay of text',
      encodeMessage({ messageAnnotations: new AmqpMap([[sym('x-opt-delivery-delay'), 'x']]), body: textBody('') }),
    ],
  ])('throws for %s', (_what, bytes) => {
    expect(() => readPutFields(bytes, 0, bytes.length, true, found)).toThrow(DecodeError);
  });

  it('reads the head of a large message as far as it goes', () => {
    const bytes = encodeMessage({
      header: { priority: 8 },
      properties: { messageId: 'x'.repeat(200), groupId: 'g' },
      body: textBody('body'),
    });
    for (let end = 0; end <= bytes.length; end++) {
      readPutFields(bytes, 0, end, false, found);
      expect([4, 8]).toContain(found.priority);
    }
    expect(found.groupEnd - found.groupStart).toBe(1);
  });

  it('throws nothing but DecodeError, and reads nothing beyond the end, whatever the bytes', () => {
    const bytes = encodeMessage({
      header: { durable: true, priority: 8, ttl: 5 },
      messageAnnotations: new AmqpMap([[sym('x-opt-delivery-delay'), 500]]),
      properties: { messageId: 'id', groupId: 'g', groupSequence: 5 },
      body: textBody('body'),
    });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), fc.boolean(), (at, byte, end, whole) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = byte;
        try {
          readPutFields(damaged.subarray(0, end), 0, end, whole, found);
          expect(found.idEnd).toBeLessThanOrEqual(end);
          expect(found.groupEnd).toBeLessThanOrEqual(end);
          expect(found.priority).toBeLessThanOrEqual(9);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
