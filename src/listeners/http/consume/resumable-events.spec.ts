import { AddressError } from '../../../addresses/errors';
import { OUTCOME } from '../../../streams/contract';
import { FakeLargeBody, textMessage } from '../../edge/messages.fixture';
import { type Asked, HttpNode } from '../http.fixture';
import { ACKNOWLEDGE_MS, RESUME_MS, UNACKNOWLEDGED_MAX } from '../limits';
import { EventStreams } from './event-streams';

const QUEUE = { name: 'work', kind: 'queue' } as const;

function setUp() {
  const node = new HttpNode();
  const streams = new EventStreams(node.options);
  /** A client comes, or comes back with the id of the last event that it has seen. */
  const come = (lastEventId?: string, query = 'client=me'): Asked => {
    const asked = node.ask(lastEventId === undefined ? {} : { 'last-event-id': lastEventId });
    streams.open(asked.exchange, { address: 'queue/work', rest: [], query: new URLSearchParams(query) });
    node.turn();
    return asked;
  };
  /** Ids of the events that it was told since this was asked last. */
  const ids = ({ response }: Asked): string[] => {
    node.turn();
    return [...response.read().matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id);
  };
  const deliver = (...tokens: readonly number[]): void => {
    for (const token of tokens) node.addresses.consumer.deliver(token, textMessage(`${token}`));
  };
  const settled = (): unknown[] =>
    node.addresses.consumers.map((consumer) => consumer.settled.map(({ token, outcome }) => [token, outcome]));
  return { node, come, ids, deliver, settled };
}

describe('an event stream of what is kept', () => {
  it('asks who its client is, to know it when it comes back', () => {
    const { come, node } = setUp();
    expect(() => come(undefined, '')).toThrow('client: expected');
    expect(node.addresses.consumers).toEqual([]);
  });

  it('settles nothing because it was written', () => {
    const { come, ids, deliver, settled } = setUp();
    const stream = come();
    deliver(10, 11);
    expect(ids(stream)).toEqual([expect.stringMatching(/^[\w-]{12}-1$/), expect.stringMatching(/^[\w-]{12}-2$/)]);
    expect(settled()).toEqual([[]]);
  });

  it('acknowledges up to Last-Event-ID; what is behind it goes back, and the next consumer gets it', () => {
    const { node, come, ids, deliver, settled } = setUp();
    const stream = come();
    deliver(10, 11, 12);
    const [, second] = ids(stream);
    stream.response.cut();
    const next = come(second);
    const [consumer] = node.addresses.consumers;
    expect(settled()).toEqual([
      [
        [10, OUTCOME.accepted],
        [11, OUTCOME.accepted],
      ],
    ]);
    expect(consumer?.settled.every(({ confirm }) => confirm)).toBe(true);
    // Until that is in force the next consumer would be given them again.
    consumer?.handler.onSettled(10, null);
    expect([consumer?.failed, node.addresses.consumers.length, next.response.status]).toEqual([undefined, 1, 0]);
    consumer?.handler.onSettled(11, null);
    node.turn();
    expect([consumer?.failed, node.addresses.consumers.length, next.response.status]).toEqual([false, 2, 200]);
    deliver(12);
    expect(ids(next)).toEqual([expect.stringMatching(/-1$/)]);
    expect(node.budget.links).toBe(1);
  });

  it.each([
    ['of another life', 'AAAAAAAAAAAA-2'],
    ['that is none', 'two'],
    ['without one', undefined],
  ])('acknowledges nothing by an id %s', (_what, id) => {
    const { node, come, deliver, settled } = setUp();
    come().response.cut();
    const stream = come();
    deliver(10, 11);
    stream.response.cut();
    const next = come(id);
    expect(settled().flat()).toEqual([]);
    expect([next.response.status, node.budget.links]).toEqual([200, 1]);
  });

  it('is taken over by a client that comes again before its end is known, once what it has is in force', () => {
    const { node, come, ids, deliver, settled } = setUp();
    const stream = come();
    deliver(10, 11);
    const [, last] = ids(stream);
    const next = come(last);
    expect(stream.response.writableEnded).toBe(true);
    expect(node.addresses.consumer.handler.ready()).toBe(false);
    // The old connection turns out to be dead while the outcomes are on their way.
    stream.response.cut();
    expect([node.addresses.consumer.failed, next.response.status]).toEqual([undefined, 0]);
    const [consumer] = node.addresses.consumers;
    for (const token of [10, 11]) consumer?.handler.onSettled(token, null);
    node.turn();
    expect([consumer?.failed, next.response.status, settled()[0]]).toEqual([
      false,
      200,
      [
        [10, OUTCOME.accepted],
        [11, OUTCOME.accepted],
      ],
    ]);
  });

  it('goes to the one who came last, when several come while it is acknowledged', () => {
    const { node, come, ids, deliver } = setUp();
    const stream = come();
    deliver(10);
    const [last] = ids(stream);
    const [first, second] = [come(last), come(last)];
    node.addresses.consumer.handler.onSettled(10, null);
    node.turn();
    expect([first.response.status, first.response.writableEnded, second.response.status]).toEqual([200, true, 200]);
    expect([second.response.writableEnded, node.budget.links]).toEqual([false, 1]);
  });

  it('is not opened for a client that went while its acknowledgement was on its way', () => {
    const { node, come, ids, deliver } = setUp();
    const stream = come();
    deliver(10);
    const next = come(ids(stream)[0]);
    next.response.cut();
    node.addresses.consumer.handler.onSettled(10, null);
    expect([node.addresses.consumers.length, node.budget.links, node.deadlines.size]).toEqual([1, 0, 0]);
  });

  it('ends, for its client to come back, when enough are not acknowledged', () => {
    const { node, come, deliver, settled } = setUp();
    const stream = come();
    for (let token = 1; token < UNACKNOWLEDGED_MAX; token++) deliver(token);
    const { handler } = node.addresses.consumer;
    expect([handler.credit(), stream.response.writableEnded]).toEqual([1, false]);
    deliver(UNACKNOWLEDGED_MAX);
    expect([handler.ready(), stream.response.writableEnded, settled()]).toEqual([false, true, [[]]]);
  });

  it('ends a while after the first that is not acknowledged, and not while there is none', () => {
    const { node, come, deliver } = setUp();
    const stream = come();
    node.pass(ACKNOWLEDGE_MS * 2);
    expect(stream.response.writableEnded).toBe(false);
    deliver(10);
    node.pass(ACKNOWLEDGE_MS - 1);
    deliver(11);
    expect(stream.response.writableEnded).toBe(false);
    node.pass(1);
    expect([stream.response.writableEnded, node.addresses.consumer.failed]).toEqual([true, undefined]);
  });

  it('of a client that does not come back gives back what is not acknowledged', () => {
    const { node, come, deliver, settled } = setUp();
    const stream = come();
    deliver(10);
    stream.response.cut();
    node.pass(RESUME_MS - 1);
    expect(node.addresses.consumer.failed).toBeUndefined();
    node.pass(1);
    expect([node.addresses.consumer.failed, settled(), node.budget.links, node.deadlines.size]).toEqual([
      false,
      [[]],
      0,
      0,
    ]);
  });

  it('without anything unacknowledged is over with its client', () => {
    const { node, come } = setUp();
    come().response.cut();
    expect([node.addresses.consumer.failed, node.budget.links, node.deadlines.size]).toEqual([false, 0, 0]);
  });

  it('does not keep a client waiting for a home that does not answer', () => {
    const { node, come, ids, deliver } = setUp();
    const stream = come();
    deliver(10);
    const [last] = ids(stream);
    stream.response.cut();
    const next = come(last);
    node.pass(RESUME_MS);
    expect([node.addresses.consumers.length, next.response.status]).toEqual([2, 200]);
  });

  it('has large messages, which are let go of when they are written', () => {
    const { node, come, ids, settled } = setUp();
    const stream = come();
    const body = new FakeLargeBody(textMessage('x'.repeat(100_000)));
    node.addresses.consumer.handler.deliverLarge(10, QUEUE, false, body);
    const [last] = ids(stream);
    expect([body.claims, settled()]).toEqual([1, [[]]]);
    come(last);
    expect(settled()[0]).toEqual([[10, OUTCOME.accepted]]);
  });

  it('is told why the mesh ends it; the next one is a new consumer', () => {
    const { node, come, deliver } = setUp();
    const stream = come();
    deliver(10);
    node.addresses.consumer.handler.onGone(new AddressError('FL_QUEUE_MOVED', 'moves to b'));
    expect(stream.response.text).toMatch(/event: error\ndata: .*"FL_QUEUE_MOVED".*\n\n$/);
    expect([stream.response.writableEnded, node.budget.links, node.deadlines.size]).toEqual([true, 0, 0]);
    expect([come().response.status, node.addresses.consumers.length]).toEqual([200, 2]);
  });

  it('pauses when the node ends', () => {
    const { node, come, deliver } = setUp();
    const stream = come();
    deliver(10);
    stream.exchange.onEnd?.();
    expect([stream.response.writableEnded, node.addresses.consumer.handler.ready()]).toEqual([true, false]);
  });
});
