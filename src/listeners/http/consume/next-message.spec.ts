import { AddressError } from '../../../addresses/errors';
import { compileMessageFilter } from '../../../queues/message-filter';
import { delayedMessage, FakeLargeBody, textMessage } from '../../edge/messages.fixture';
import { HttpNode, TOPIC_WISH as WISH } from '../http.fixture';
import { NextMessage } from './next-message';
import type { ConsumeWish } from './subscription-wish';

beforeEach(() => jest.useFakeTimers({ doNotFake: ['queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

const ADDRESS = { name: 'a', kind: 'topic' } as const;
const WAIT_MS = 5_000;

function polling(wish: Partial<ConsumeWish> = {}) {
  const node = new HttpNode();
  const { exchange, response } = node.ask();
  NextMessage.open(exchange, node.options, { ...WISH, ...wish }, WAIT_MS);
  const { consumer } = node.addresses;
  /** Nothing of it is left, and it is no consumer any more. */
  const expectOver = async (): Promise<void> => {
    await Promise.resolve();
    expect([consumer.failed, node.budget.links, node.budget.delayedBytes, node.deadlines.size]).toEqual([
      false,
      0,
      0,
      0,
    ]);
    expect(jest.getTimerCount()).toBe(0);
  };
  return { node, response, consumer, expectOver };
}

describe('a long poll', () => {
  it('is answered with the next message alone', async () => {
    const { response, consumer, node, expectOver } = polling();
    consumer.deliver(-1, textMessage('one'));
    expect([consumer.handler.ready(), consumer.handler.credit()]).toEqual([false, 0]);
    consumer.deliver(-1, textMessage('two'));
    expect([response.status, response.text, response.sent['content-type']]).toEqual([200, 'one', 'text/plain']);
    expect(node.counters.messagesOut).toBe(1);
    // Not within the delivery.
    expect(consumer.failed).toBeUndefined();
    await expectOver();
  });

  it('is answered with nothing after a while', async () => {
    const { node, response, expectOver } = polling();
    node.pass(WAIT_MS - 1);
    expect(response.status).toBe(0);
    node.pass(1);
    expect(response.status).toBe(204);
    await expectOver();
  });

  it('passes over what its selector does not select, large messages too', async () => {
    const { response, consumer, expectOver } = polling({ selector: compileMessageFilter('n > 1') });
    consumer.deliver(-1, textMessage('1', 1));
    const [small, large] = [1, 2].map((n) => new FakeLargeBody(textMessage(`${n}`.repeat(70_000), n)));
    for (const body of [small, large]) consumer.handler.deliverLarge(-1, ADDRESS, true, body as FakeLargeBody);
    expect([response.status, response.text]).toEqual([200, '2'.repeat(48 * 1024)]);
    expect(response.read() + response.read()).toBe('2'.repeat(70_000));
    response.read();
    expect([small?.claims, large?.claims]).toEqual([1, 1]);
    await expectOver();
  });

  it('gets a delayed message at its time, if it still waits, and another one before', async () => {
    const first = polling();
    first.consumer.deliver(-1, delayedMessage(100, 'later'));
    expect(first.response.status).toBe(0);
    jest.advanceTimersByTime(100);
    expect([first.response.status, first.response.text]).toEqual([200, 'later']);
    await first.expectOver();
    const second = polling();
    second.consumer.deliver(-1, delayedMessage(100, 'later'));
    second.consumer.deliver(-1, textMessage('now'));
    expect(second.response.text).toBe('now');
    await second.expectOver();
    const third = polling();
    third.consumer.deliver(-1, delayedMessage(WAIT_MS + 1, 'too late'));
    third.node.pass(WAIT_MS);
    expect(third.response.status).toBe(204);
    await third.expectOver();
  });

  it('leaves nothing behind when its client goes', async () => {
    const { response, expectOver } = polling();
    response.cut();
    await expectOver();
  });

  it('is told why the mesh ends it, also within the call that opens it', async () => {
    const { consumer, response, expectOver } = polling();
    consumer.handler.onGone(new AddressError('FL_QUEUE_GONE', 'taken'));
    expect([response.status, response.code]).toEqual([404, 'FL_QUEUE_GONE']);
    await expectOver();
    const node = new HttpNode();
    node.addresses.onOpen = ({ handler }) => handler.onGone(new AddressError('FL_QUEUE_GONE', 'taken'));
    const asked = node.ask();
    NextMessage.open(asked.exchange, node.options, WISH, WAIT_MS);
    expect([asked.response.code, node.budget.links, node.addresses.consumer.failed]).toEqual([
      'FL_QUEUE_GONE',
      0,
      false,
    ]);
  });
});
