import { AmqpMap, sym } from '../../amqp/codec/values';
import { AMQP_OUTCOME, CONDITION } from '../../amqp/constants';
import type { SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { OUTCOME } from '../../streams/contract';
import { type Consuming, consume, message } from './consumer.fixture';

describe('settlement of a queue', () => {
  function delivered(rcvSettleMode: 0 | 1, count: number) {
    const consuming = consume({}, { rcvSettleMode });
    const { client, receiver } = consuming;
    receiver.setCredit(100);
    client.run();
    const consumer = client.addresses.consumer;
    for (let token = 0; token < count; token++) consumer.deliver(token, message('eu'));
    client.run();
    return { ...consuming, consumer };
  }

  it('2.6.12 is told in mode second when the outcome is in force', () => {
    const { client, consumer, inbox, receiver } = delivered(1, 3);
    for (const { id } of inbox.deliveries) receiver.dispose(id, AMQP_OUTCOME.accepted, false);
    client.run();
    expect(consumer.settled.map(({ token, confirm }) => [token, confirm])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
    expect(inbox.settledByPeer).toEqual([]);
    consumer.handler.onSettled(2, null);
    consumer.handler.onSettled(0, null);
    client.run();
    expect([...inbox.settledByPeer].sort()).toEqual([inbox.deliveries[0]?.id, inbox.deliveries[2]?.id]);
    // Its token is used again.
    consumer.deliver(0, message('us'));
    client.run();
    receiver.dispose(inbox.deliveries[3]?.id as number, AMQP_OUTCOME.released, false);
    client.run();
    consumer.handler.onSettled(0, null);
    client.run();
    expect(inbox.settledByPeer).toContain(inbox.deliveries[3]?.id);
    expect(inbox.settledByPeer).toHaveLength(3);
  });

  it('is not asked for where the client settles itself', () => {
    const { client, consumer, inbox, receiver } = delivered(0, 1);
    receiver.dispose(inbox.deliveries[0]?.id as number, AMQP_OUTCOME.accepted, true);
    client.run();
    expect(consumer.settled).toEqual([{ token: 0, outcome: OUTCOME.accepted, detail: null, confirm: false }]);
  });

  it('detaches the link where the outcome could not be put into force: the delivery stays unsettled', () => {
    const { client, consumer, inbox, receiver } = delivered(1, 1);
    receiver.dispose(inbox.deliveries[0]?.id as number, AMQP_OUTCOME.accepted, false);
    client.run();
    const error = new FairleadError('FL_STORE', 'disk', { condition: CONDITION.internal });
    consumer.handler.onSettled(0, error);
    client.run();
    expect(inbox.settledByPeer).toEqual([]);
    expect(inbox.detached).toEqual({ condition: CONDITION.internal, description: 'disk' });
  });

  it('of other kinds follows the outcome at once', () => {
    const { client, receiver, inbox } = consume({ address: 'multicast/a' }, { rcvSettleMode: 1 });
    receiver.setCredit(10);
    client.run();
    client.addresses.consumer.deliver(0, message('eu'));
    client.addresses.consumer.deliver(-1, message('eu'));
    client.run();
    for (const { id } of inbox.deliveries) receiver.dispose(id, AMQP_OUTCOME.accepted, false);
    client.run();
    expect(inbox.settledByPeer).toHaveLength(2);
  });

  it.each<[string, boolean, (consuming: Consuming) => void]>([
    ['lets go of its link', false, ({ receiver }) => receiver.detach()],
    ['ends its session', false, ({ client }) => client.session.end()],
    ['closes its connection', false, ({ client }) => client.pair.client.close()],
    ['is cut off', true, ({ client }) => client.pair.server.transportClosed('cut')],
    ['complains', true, ({ receiver }) => receiver.detach({ condition: 'app:no' })],
  ])('a client that %s: its unsettled deliveries count as failed: %p', (_what, failed, end) => {
    const consuming = delivered(0, 2);
    end(consuming);
    consuming.client.run();
    expect(consuming.consumer.failed).toBe(failed);
  });
});

describe('drain (part 2.6.7)', () => {
  function draining(address: string, credit: number) {
    const consuming = consume({ address });
    const drained = { times: 0 };
    Object.assign(consuming.inbox, { onDrained: () => drained.times++ });
    const { client, receiver } = consuming;
    receiver.setCredit(credit);
    client.run();
    receiver.drain();
    client.run();
    return { ...consuming, drained, consumer: client.addresses.consumer };
  }

  it('is answered when the queue says that nothing more comes', () => {
    const { client, consumer, receiver, drained, inbox } = draining('queue/a', 5);
    expect([consumer.drains, drained.times, receiver.credit]).toEqual([1, 0, 5]);
    consumer.deliver(0, message('eu'));
    consumer.handler.onDrained();
    client.run();
    expect([inbox.deliveries.length, drained.times, receiver.credit]).toEqual([1, 1, 0]);
  });

  it('is answered when the credit is used up', () => {
    const { client, consumer, drained } = draining('queue/a', 1);
    consumer.deliver(0, message('eu'));
    client.run();
    expect(drained.times).toBe(1);
    // The queue's answer comes behind it.
    consumer.handler.onDrained();
    client.run();
    expect(drained.times).toBe(1);
  });

  it('an answer that was meant for credit given before is not taken for that of a later drain', () => {
    const { client, consumer, receiver, drained } = draining('queue/a', 1);
    consumer.deliver(0, message('eu'));
    client.run();
    expect(drained.times).toBe(1);
    receiver.setCredit(5);
    receiver.drain();
    client.run();
    expect(consumer.drains).toBe(2);
    consumer.handler.onDrained();
    client.run();
    expect([drained.times, receiver.credit]).toEqual([1, 5]);
    consumer.handler.onDrained();
    client.run();
    expect([drained.times, receiver.credit]).toEqual([2, 0]);
  });

  it('is asked for again where a window was in the way', () => {
    const { client, consumer, receiver, drained } = draining('queue/a', 5);
    const [link] = client.links as [SenderLink];
    const window = link.session.remoteIncomingWindow;
    link.session.remoteIncomingWindow = 0;
    consumer.handler.onDrained();
    client.run();
    expect([drained.times, receiver.credit]).toEqual([0, 5]);
    link.session.remoteIncomingWindow = window;
    link.woken();
    expect(consumer.drains).toBe(2);
    consumer.handler.onDrained();
    client.run();
    expect([drained.times, receiver.credit]).toEqual([1, 0]);
  });

  it('of other kinds is answered when nothing waits', () => {
    const { client, consumer, drained, receiver } = draining('topic/a', 3);
    expect(consumer.drains).toBe(1);
    consumer.handler.onDrained();
    client.run();
    expect([drained.times, receiver.credit]).toEqual([1, 0]);
  });
});

it('a delayed message of a topic comes at its time, and others pass it', () => {
  jest.useFakeTimers();
  try {
    const { client, receiver, inbox } = consume({ address: 'topic/a' });
    const delayed = (ms: number, text: string): Buffer =>
      encodeMessage({
        messageAnnotations: new AmqpMap([[sym('x-opt-delivery-delay'), ms]]),
        body: textBody(text),
      });
    receiver.addCredit(1);
    client.run();
    const { consumer } = client.addresses;
    const [later, now, latest] = [
      delayed(100, 'later'),
      encodeMessage({ body: textBody('now') }),
      delayed(200, 'latest'),
    ];
    consumer.deliver(-1, later);
    consumer.deliver(-1, now);
    client.run();
    expect(inbox.deliveries.map(({ body }) => body)).toEqual([now]);
    jest.advanceTimersByTime(100);
    client.run();
    expect(inbox.deliveries).toHaveLength(1);
    receiver.addCredit(2);
    client.run();
    expect(inbox.deliveries.map(({ body }) => body)).toEqual([now, later]);
    consumer.deliver(-1, latest);
    jest.advanceTimersByTime(200);
    client.run();
    expect(inbox.deliveries).toHaveLength(3);
    consumer.deliver(-1, latest);
    receiver.detach();
    client.run();
    expect([client.budget.delayedBytes, jest.getTimerCount()]).toEqual([0, 0]);
  } finally {
    jest.useRealTimers();
  }
});
