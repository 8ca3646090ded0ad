import { AddressError } from '../../../addresses/errors';
import { compileMessageFilter } from '../../../queues/message-filter';
import { delayedMessage, FakeLargeBody, textMessage } from '../../edge/messages.fixture';
import { HttpNode, TOPIC_WISH as WISH } from '../http.fixture';
import { EVENTS_UNWRITTEN_BYTES_MAX } from '../limits';
import { EventTexts } from './event-texts';
import { PlainEvents } from './plain-events';
import type { ConsumeWish } from './subscription-wish';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ADDRESS = { name: 'a', kind: 'topic' } as const;

function streaming(wish: Partial<ConsumeWish> = {}) {
  const node = new HttpNode();
  const { exchange, response } = node.ask();
  const open = (): void => PlainEvents.open(exchange, node.options, { ...WISH, ...wish }, new EventTexts());
  open();
  node.turn();
  response.read();
  /** What the client was told since this was asked last. */
  const events = (): string[] => {
    node.turn();
    return [...response.read().matchAll(/^data: (.*)$/gm)].map(([, data = '']) => {
      const { data: text, data_base64 } = JSON.parse(data) as { data?: string; data_base64?: string };
      return text ?? Buffer.from(data_base64 ?? '', 'base64').toString();
    });
  };
  return { node, exchange, response, consumer: node.addresses.consumer, events };
}

describe('an event stream of a plain subscriber', () => {
  it('begins when the mesh knows of it, so that nothing is missed from then on', () => {
    const node = new HttpNode();
    node.addresses.onOpen = () => undefined;
    const { exchange, response } = node.ask();
    PlainEvents.open(exchange, node.options, WISH, new EventTexts());
    node.turn();
    const { consumer } = node.addresses;
    expect([response.status, consumer.handler.ready()]).toEqual([0, false]);
    consumer.handler.onConfirmed([]);
    expect([response.status, consumer.handler.ready(), consumer.pumps]).toEqual([200, true, 1]);
  });

  it('is told the messages that its selector selects, large ones too', () => {
    const { consumer, events } = streaming({ selector: compileMessageFilter('n > 1') });
    for (const n of [1, 2]) consumer.deliver(-1, textMessage(`${n}`, n));
    expect(events()).toEqual(['2']);
    for (const n of [1, 2])
      consumer.handler.deliverLarge(-1, ADDRESS, true, new FakeLargeBody(textMessage(`${n}`.repeat(70_000), n)));
    expect(events()).toEqual(['2'.repeat(70_000)]);
  });

  it('takes nothing while it is not read, and asks for more when it is', () => {
    const { node, response, consumer } = streaming();
    consumer.deliver(-1, textMessage('x'.repeat(EVENTS_UNWRITTEN_BYTES_MAX)));
    node.turn();
    expect([consumer.handler.ready(), consumer.handler.credit()]).toEqual([false, 0]);
    const { pumps } = consumer;
    response.read();
    expect([consumer.handler.ready(), consumer.pumps]).toEqual([true, pumps + 1]);
  });

  it('gets a delayed message at its time, and others pass it', () => {
    const { consumer, events, node } = streaming();
    consumer.deliver(-1, delayedMessage(100, 'later'));
    consumer.handler.deliverLarge(-1, ADDRESS, true, new FakeLargeBody(delayedMessage(200, 'y'.repeat(70_000))));
    consumer.deliver(-1, textMessage('now'));
    expect(events()).toEqual(['now']);
    jest.advanceTimersByTime(99);
    expect(events()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(events()).toEqual(['later']);
    jest.advanceTimersByTime(100);
    expect(events()).toEqual(['y'.repeat(70_000)]);
    expect(node.budget.delayedBytes).toBe(0);
  });

  it('gets what is due when it is read again', () => {
    const { node, consumer, events } = streaming();
    consumer.deliver(-1, delayedMessage(100, 'later'));
    consumer.deliver(-1, textMessage('x'.repeat(EVENTS_UNWRITTEN_BYTES_MAX)));
    node.turn();
    jest.advanceTimersByTime(500);
    expect(events()).toHaveLength(1);
    expect(events()).toEqual(['later']);
  });

  it.each<[string, (stream: ReturnType<typeof streaming>) => void]>([
    ['its client goes', ({ response }) => response.cut()],
    ['the node ends', ({ exchange }) => exchange.onEnd?.()],
    ['the mesh ends it', ({ consumer }) => consumer.handler.onGone(new AddressError('FL_CONSUMER_SLOW', 'too slow'))],
  ])('holds nothing when %s', (_what, end) => {
    const stream = streaming();
    const { node, consumer } = stream;
    consumer.deliver(-1, delayedMessage(100, 'never'));
    end(stream);
    expect([consumer.failed, node.budget.links, node.budget.delayedBytes, node.deadlines.size]).toEqual([
      false,
      0,
      0,
      0,
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is told why the mesh ends it', () => {
    const { consumer, response } = streaming();
    consumer.handler.onGone(new AddressError('FL_CONSUMER_SLOW', 'too slow'));
    expect(response.text).toMatch(/^event: error\ndata: .*"FL_CONSUMER_SLOW".*\n\n$/);
    expect(response.writableEnded).toBe(true);
  });

  it('is refused as such when the mesh ends it within the call that opens it', () => {
    const node = new HttpNode();
    node.addresses.onOpen = ({ handler }) => handler.onGone(new AddressError('FL_QUEUE_GONE', 'taken'));
    const { exchange, response } = node.ask();
    PlainEvents.open(exchange, node.options, WISH, new EventTexts());
    expect([response.status, response.code, node.budget.links]).toEqual([404, 'FL_QUEUE_GONE', 0]);
    expect(node.addresses.consumer.failed).toBe(false);
  });
});
