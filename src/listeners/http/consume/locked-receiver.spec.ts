import { AddressError } from '../../../addresses/errors';
import { OUTCOME } from '../../../streams/contract';
import { FakeLargeBody, textMessage } from '../../edge/messages.fixture';
import { type Asked, HttpNode } from '../http.fixture';
import { DELIVERIES_MAX, LOCK_MS, RECEIVE_MS, RECEIVER_IDLE_MS } from '../limits';
import { Receivers, type Verb } from './receivers';

const QUEUE = { name: 'work', kind: 'queue' } as const;

function setUp() {
  const node = new HttpNode();
  const receivers = new Receivers(node.options);
  const target = (query: string) => ({ address: 'queue/work', rest: [], query: new URLSearchParams(query) });
  const receive = (query = ''): Asked => {
    const asked = node.ask();
    receivers.receive(asked.exchange, target(query));
    return asked;
  };
  const settle = (token: string, verb: Verb, query = ''): Asked => {
    const asked = node.ask();
    receivers.settle(asked.exchange, target(query), token, verb);
    return asked;
  };
  /** Receives one; @returns its token */
  const received = (meshToken: number, query = ''): string => {
    const { response } = receive(query);
    node.addresses.consumer.deliver(meshToken, textMessage(`${meshToken}`));
    expect([response.status, response.read()]).toEqual([200, `${meshToken}`]);
    return (response.sent['location'] ?? '').split('/').at(-1) ?? '';
  };
  const outcomes = (): unknown[] => node.addresses.consumer.settled.map(({ token, outcome }) => [token, outcome]);
  return { node, receivers, receive, settle, received, outcomes };
}

describe('a request for a message of a queue', () => {
  it('has the next one, locked', () => {
    const { node, receive } = setUp();
    const { response } = receive();
    const { consumer } = node.addresses;
    expect([consumer.spec.settled, consumer.handler.ready(), consumer.handler.credit()]).toEqual([false, true, 1]);
    const before = Date.now();
    consumer.deliver(7, textMessage('one'));
    expect([response.status, response.text]).toEqual([200, 'one']);
    expect(response.sent['location']).toMatch(/^\/v1\/addresses\/queue%2Fwork\/deliveries\/[\w-]{22}$/);
    expect(Date.parse(response.sent['fairlead-mesh-locked-until'] ?? '') - before).toBeGreaterThanOrEqual(LOCK_MS);
    expect([consumer.handler.ready(), consumer.settled]).toEqual([false, []]);
  });

  it('has nothing after a while, and what was asked for on its behalf does not wait here', () => {
    const { node, receive } = setUp();
    const { response } = receive();
    node.pass(RECEIVE_MS - 1);
    expect(response.status).toBe(0);
    node.pass(1);
    const { consumer } = node.addresses;
    expect([response.status, consumer.drains, consumer.handler.ready()]).toEqual([204, 1, false]);
    consumer.deliver(7, textMessage('on its way'));
    expect(consumer.settled).toMatchObject([{ token: 7, outcome: OUTCOME.released }]);
    const body = new FakeLargeBody(textMessage('x'.repeat(70_000)));
    consumer.handler.deliverLarge(8, QUEUE, false, body);
    expect(consumer.settled).toMatchObject([{ token: 7 }, { token: 8, outcome: OUTCOME.released }]);
    expect(body.claims).toBe(1);
  });

  it('is one of several that wait, served in their order by one consumer', () => {
    const { node, receive } = setUp();
    const [first, second, third] = [receive(), receive(), receive()];
    expect([node.addresses.consumers.length, node.addresses.consumer.handler.credit()]).toEqual([1, 3]);
    second.response.cut();
    for (const [token, text] of [[1, 'one'] as const, [2, 'two'] as const])
      node.addresses.consumer.deliver(token, textMessage(text));
    expect([first.response.text, second.response.status, third.response.text]).toEqual(['one', 0, 'two']);
  });

  it('that goes before its answer has left gives the message back', () => {
    const { node, receive, outcomes } = setUp();
    const { response } = receive();
    node.addresses.consumer.deliver(7, textMessage('one'));
    response.cut();
    expect(outcomes()).toEqual([[7, OUTCOME.released]]);
  });

  it('is told why the mesh ends its consumer, also within the call that opens it', () => {
    const { node, receive, received, settle } = setUp();
    const token = received(7);
    const { response } = receive();
    const asked = settle(token, 'accept');
    const { consumer } = node.addresses;
    consumer.handler.onGone(new AddressError('FL_QUEUE_GONE', 'the queue has gone'));
    expect([response.code, asked.response.code]).toEqual(['FL_QUEUE_GONE', 'FL_QUEUE_GONE']);
    expect([node.budget.links, node.deadlines.size]).toEqual([0, 0]);
    node.addresses.onOpen = ({ handler }) => handler.onGone(new AddressError('FL_QUEUE_GONE', 'the queue has gone'));
    expect(() => receive()).toThrow('the queue has gone');
    expect([node.budget.links, node.deadlines.size, node.addresses.consumer.failed]).toEqual([0, 0, false]);
  });
});

describe('a locked delivery', () => {
  it.each<[Verb, string, number]>([
    ['accept', '', OUTCOME.accepted],
    ['reject', '', OUTCOME.rejected],
    ['release', '', OUTCOME.released],
    ['release', 'failed=true', OUTCOME.modifiedFailed],
  ])('is settled by its token, %s %s, which is answered when that is in force', (verb, query, outcome) => {
    const { node, received, settle, outcomes } = setUp();
    const token = received(7);
    const { response } = settle(token, verb, query);
    expect([response.status, outcomes()]).toEqual([0, [[7, outcome]]]);
    expect(node.addresses.consumer.settled[0]?.confirm).toBe(true);
    node.addresses.consumer.handler.onSettled(7, null);
    expect(response.status).toBe(204);
    expect(() => settle(token, verb, query)).toThrow('no delivery here has this token');
  });

  it('whose settlement fails is told so', () => {
    const { node, received, settle } = setUp();
    const { response } = settle(received(7), 'accept');
    node.addresses.consumer.handler.onSettled(7, new AddressError('FL_QUEUE_UNREACHABLE', 'its home is out of reach'));
    expect([response.status, response.code]).toEqual([503, 'FL_QUEUE_UNREACHABLE']);
  });

  it('goes back as a failed attempt when its lock ends', () => {
    const { node, received, settle, outcomes } = setUp();
    const token = received(7);
    node.pass(LOCK_MS - 1);
    expect(outcomes()).toEqual([]);
    node.pass(1);
    expect(outcomes()).toEqual([[7, OUTCOME.modifiedFailed]]);
    expect(() => settle(token, 'accept')).toThrow('its lock has ended');
  });

  it('is locked anew by renew, as long as that says', () => {
    const { node, received, settle, outcomes } = setUp();
    const token = received(7);
    node.pass(LOCK_MS - 1);
    expect(settle(token, 'renew', 'lock=60s').response.status).toBe(204);
    node.pass(59_999);
    expect(outcomes()).toEqual([]);
    node.pass(1);
    expect(outcomes()).toEqual([[7, OUTCOME.modifiedFailed]]);
  });

  it('is settled once: by its client, who has the token before the rest of a large message, or by its cut', () => {
    const { node, receive, settle, outcomes } = setUp();
    const { response } = receive();
    const body = new FakeLargeBody(textMessage('x'.repeat(300_000)));
    node.addresses.consumer.handler.deliverLarge(7, QUEUE, false, body);
    const token = (response.sent['location'] ?? '').split('/').at(-1) ?? '';
    settle(token, 'accept');
    response.cut();
    expect(outcomes()).toEqual([[7, OUTCOME.accepted]]);
    expect(body.claims).toBe(1);
  });

  it('keeps its consumer, which goes a while after the last of them', () => {
    const { node, received, settle } = setUp();
    const token = received(7);
    node.pass(RECEIVER_IDLE_MS * 2);
    const { consumer } = node.addresses;
    expect(consumer.failed).toBeUndefined();
    settle(token, 'accept');
    consumer.handler.onSettled(7, null);
    node.pass(RECEIVER_IDLE_MS - 1);
    expect(consumer.failed).toBeUndefined();
    node.pass(1);
    expect([consumer.failed, node.budget.links, node.deadlines.size]).toEqual([false, 0, 0]);
    received(8);
    expect(node.addresses.consumers).toHaveLength(2);
  });
});

describe('locked deliveries of a node', () => {
  it('are bounded: those who wait for one go on when another is settled', () => {
    const { node, receive, received, settle, outcomes } = setUp();
    const tokens = Array.from({ length: DELIVERIES_MAX - 1 }, (_, at) => received(at));
    const [first, second] = [receive(), receive()];
    const { consumer } = node.addresses;
    expect(consumer.handler.credit()).toBe(2);
    consumer.deliver(DELIVERIES_MAX, textMessage('last'));
    expect([first.response.text, consumer.handler.ready(), consumer.handler.credit()]).toEqual(['last', false, 0]);
    expect(() => receive()).toThrow('more than 10000 locked deliveries');
    const { pumps } = consumer;
    settle(tokens[0] ?? '', 'accept');
    expect([consumer.handler.ready(), consumer.pumps, outcomes().length]).toEqual([true, pumps + 1, 1]);
    consumer.deliver(DELIVERIES_MAX + 1, textMessage('one more'));
    expect(second.response.text).toBe('one more');
  });
});
