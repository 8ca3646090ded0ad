import { AmqpMap, AmqpTyped } from '../amqp/codec/values';
import { encodeMessage } from '../message/encode-message';
import { textBody, type Message } from '../message/message';
import { SelectorError } from '../selectors/errors';
import { compileMessageFilter } from './message-filter';

function encoded(message: Partial<Message>): Buffer {
  return encodeMessage({ body: textBody('body'), ...message });
}

const MESSAGE = encoded({
  header: { durable: true, priority: 9 },
  properties: { subject: 'order', correlationId: 'c' },
  applicationProperties: new AmqpMap([
    ['region', 'eu'],
    ['amount', new AmqpTyped('int', 120)],
    ['rate', new AmqpTyped('double', 7)],
    ['urgent', true],
  ]),
});

describe('a selector asked about encoded messages', () => {
  it.each([
    ["region = 'eu'", true],
    ["region = 'us'", false],
    ["region IN ('us', 'eu') AND amount BETWEEN 100 AND 200", true],
    ["JMSType = 'order' AND JMSPriority > 8 AND JMSDeliveryMode = 'PERSISTENT'", true],
    ["JMSDeliveryMode = 'NON_PERSISTENT'", false],
    ["JMSCorrelationID LIKE 'c%'", true],
    ['urgent', true],
    ['NOT urgent', false],
    ['rate / 2 = 3.5', true],
    ['amount / 50 = 2', true],
    ['missing IS NULL', true],
    ['missing = 1 OR NOT (missing = 1)', false],
    ['', true],
  ])('%p: %p', (text, selected) => {
    expect(compileMessageFilter(text).matches(MESSAGE, 0, MESSAGE.length)).toBe(selected);
  });

  it('looks at one message after the other', () => {
    const filter = compileMessageFilter("region = 'eu'");
    const other = encoded({ applicationProperties: new AmqpMap([['region', 'us']]) });
    const bytes = Buffer.concat([MESSAGE, other, MESSAGE]);
    const between = MESSAGE.length + other.length;
    const seen = [
      filter.matches(bytes, 0, MESSAGE.length),
      filter.matches(bytes, MESSAGE.length, between),
      filter.matches(bytes, between, bytes.length),
    ];
    expect(seen).toEqual([true, false, true]);
  });

  it('does not select what it cannot read', () => {
    const filter = compileMessageFilter('a IS NULL');
    const noMap = Buffer.from([0, 0x53, 0x74, 0xa1, 0]);
    expect(filter.matches(noMap, 0, noMap.length)).toBe(false);
    expect(filter.matches(Buffer.from('no message'), 0, 10)).toBe(false);
  });

  it('tells the column of what is no selector', () => {
    expect(() => compileMessageFilter('a = = 1')).toThrow(SelectorError);
    expect(() => compileMessageFilter('a = = 1')).toThrow('column 5');
  });
});
