import { AmqpMap, sym } from '../amqp/codec/values';
import { encodeMessage } from '../message/encode-message';
import { DeliveredTopic, topicOfRetried } from './delivered-topic';

describe('what a subscriber is told that a message was published to', () => {
  it('is one object for as long as it is the same, and the queue where nobody knows', () => {
    const queue = { kind: 'queue', name: '$sub/a/b' } as const;
    const topics = new DeliveredTopic(queue);
    const first = topics.of('news.sport');
    expect(first).toEqual({ kind: 'topic', name: 'news.sport' });
    expect(topics.of('news.sport')).toBe(first);
    expect(topics.of('news').name).toBe('news');
    expect(topics.of(null)).toBe(queue);
  });

  it('stands in the annotations of what was a dead letter, and is nowhere in others', () => {
    const body = { kind: 'value', value: 'x' } as const;
    const told = (annotations: [string, unknown][]): string | null => {
      const messageAnnotations = new AmqpMap(annotations.map(([key, value]) => [sym(key), value as string]));
      const bytes = encodeMessage({ messageAnnotations, body });
      return topicOfRetried(Buffer.concat([Buffer.alloc(3), bytes]), 3, 3 + bytes.length);
    };
    expect(told([['x-opt-fairlead-topic', 'news.sport']])).toBe('news.sport');
    expect(told([['x-opt-fairlead-topic', true]])).toBeNull();
    expect(told([])).toBeNull();
    expect(topicOfRetried(Buffer.from([0, 0x53, 0x70, 0xff]), 0, 4)).toBeNull();
  });
});
