import { AmqpMap, sym } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { textBody, type Message } from './message';
import { withoutExpiry } from './without-expiry';

const rest: Partial<Message> = {
  deliveryAnnotations: new AmqpMap([[sym('a'), 1]]),
  messageAnnotations: new AmqpMap([[sym('b'), 2]]),
  applicationProperties: new AmqpMap([['c', 'd']]),
};

describe('a message whose time is over', () => {
  it('keeps all but what says so', () => {
    const properties = { messageId: 'id', to: 'q', correlationId: 'c', groupId: 'g' };
    const header = { durable: true, priority: 7 };
    const bytes = encodeMessage({
      ...rest,
      header: { ...header, ttl: 5_000, deliveryCount: 2 },
      properties: { ...properties, absoluteExpiryTime: new Date(5), creationTime: new Date(4) },
      body: textBody('body'),
    });
    expect(decodeMessage(withoutExpiry(bytes, true))).toEqual(
      decodeMessage(
        encodeMessage({
          ...rest,
          header: { ...header, deliveryCount: 2 },
          properties: { ...properties, creationTime: new Date(4) },
          body: textBody('body'),
        }),
      ),
    );
  });

  it('stays as it is where it says nothing', () => {
    const bytes = encodeMessage({ ...rest, body: textBody('body') });
    expect(withoutExpiry(bytes, true)).toEqual(bytes);
  });

  it('may be the head of a large one, and no other part of one', () => {
    const bytes = encodeMessage({
      ...rest,
      header: { ttl: 5 },
      properties: { to: 'q' },
      body: textBody('x'.repeat(500)),
    });
    for (const end of [0, 3, 8, 40, bytes.length - 300])
      expect(() => withoutExpiry(bytes.subarray(0, end), false)).not.toThrow();
    expect(() => withoutExpiry(bytes.subarray(0, 5), true)).toThrow(DecodeError);
  });
});
