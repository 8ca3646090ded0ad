import { AmqpMap, sym } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { textBody, type Message } from './message';
import { redelivered, wasDelivered } from './redelivered';

function redeliver(message: Partial<Message>, deliveries: number): Message {
  const bytes = Buffer.concat([Buffer.from('front'), encodeMessage({ body: textBody('body'), ...message })]);
  const { head, rest } = redelivered(bytes, 5, bytes.length, deliveries);
  return decodeMessage(Buffer.concat([head, bytes.subarray(rest)]));
}

describe('the header of a message that is delivered again', () => {
  it.each<[boolean, Partial<Message>]>([
    [false, {}],
    [false, { header: { durable: true } }],
    [false, { header: { durable: true, firstAcquirer: true, deliveryCount: 1 } }],
    [true, { header: { firstAcquirer: false } }],
  ])('is known again: %s of %j', (again, message) => {
    const bytes = Buffer.concat([Buffer.from('front'), encodeMessage({ body: textBody('body'), ...message })]);
    expect(wasDelivered(bytes, 5, bytes.length)).toBe(again);
    const { head, rest } = redelivered(bytes, 5, bytes.length, 0);
    const marked = Buffer.concat([head, bytes.subarray(rest)]);
    expect(wasDelivered(marked, 0, marked.length)).toBe(true);
  });

  it('is made where there was none', () => {
    expect(redeliver({}, 3)).toMatchObject({
      header: { firstAcquirer: false, deliveryCount: 3 },
      body: textBody('body'),
    });
  });

  it('keeps what it said', () => {
    const { header } = redeliver({ header: { durable: true, priority: 7, ttl: 70_000, firstAcquirer: true } }, 300);
    expect(header).toEqual({ durable: true, priority: 7, ttl: 70_000, firstAcquirer: false, deliveryCount: 300 });
  });

  it('counts on from what its sender said', () => {
    expect(redeliver({ header: { deliveryCount: 2 } }, 1).header?.deliveryCount).toBe(3);
  });

  it('leaves all other sections as they are', () => {
    const rest: Partial<Message> = {
      deliveryAnnotations: new AmqpMap([[sym('a'), 1]]),
      messageAnnotations: new AmqpMap([[sym('b'), 2]]),
      properties: { to: 'q', subject: 's' },
      applicationProperties: new AmqpMap([['c', 'd']]),
    };
    const again = redeliver({ header: { durable: true }, ...rest }, 0);
    const plain = decodeMessage(encodeMessage({ body: textBody('body'), ...rest }));
    expect({ ...again, header: undefined }).toEqual({ ...plain, header: undefined });
  });

  it('is not made from bytes that are no message', () => {
    for (const bytes of [
      Buffer.from('hello'),
      Buffer.from([0, 0x53, 0x70, 0xa1, 1, 65]),
      Buffer.from([0, 0x53, 0x70, 0xc0, 9]),
    ])
      expect(() => redelivered(bytes, 0, bytes.length, 1)).toThrow(DecodeError);
  });
});
