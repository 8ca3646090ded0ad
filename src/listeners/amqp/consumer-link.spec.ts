import { described } from '../../amqp/codec/delivery-states';
import type { Source } from '../../amqp/codec/types';
import { AmqpDescribed, AmqpMap, AmqpTyped, sym, symbolMap, type AmqpValue } from '../../amqp/codec/values';
import { AMQP_OUTCOME, CONDITION } from '../../amqp/constants';
import type { AttachOptions } from '../../amqp/link';
import { Inbox } from '../../amqp/pair.fixture';
import type { SenderLink } from '../../amqp/sender-link';
import type { ReceiverLink } from '../../amqp/receiver-link';
import { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { OUTCOME, type LargeBody } from '../../streams/contract';
import { FakeClient } from './listener.fixture';

const SELECTOR = 0x0000468c00000004;
const NO_LOCAL = 0x0000468c00000003;

function selector(text: AmqpValue): AmqpDescribed {
  return described(SELECTOR, text);
}

function filters(entries: Record<string, AmqpValue>): AmqpMap {
  return symbolMap(entries);
}

interface Consuming {
  /** The source that the attach was answered with; null when it was refused. */
  readonly answer: Source | null;
  readonly client: FakeClient;
  readonly receiver: ReceiverLink;
  readonly inbox: Inbox;
}

function consume(source: Partial<Source> | null, more: AttachOptions & { name?: string } = {}): Consuming {
  const client = new FakeClient();
  const { name = 'link', ...options } = more;
  const full = source === null ? null : ({ type: 'source', address: 'queue/a', ...source } as const);
  const receiver = client.session.attachReceiver(name, { ...options, source: full });
  let answer: Source | null = null;
  const inbox = Object.assign(new Inbox(), {
    onAttached: (link: ReceiverLink) => void (answer = link.remote?.source ?? null),
  });
  receiver.handler = inbox;
  client.run();
  return { client, receiver, inbox, answer };
}

function message(region: string): Buffer {
  return encodeMessage({ applicationProperties: new AmqpMap([['region', region]]), body: textBody(region) });
}

describe('what a source asks for', () => {
  it('is a plain consumer where it says nothing', () => {
    const consuming = consume({});
    expect(consuming.client.addresses.consumer.spec.queue).toEqual({
      browse: false,
      selector: null,
      noLocal: false,
      exclusive: false,
    });
    expect(consuming.answer).toMatchObject({
      address: 'queue/a',
      durable: 0,
      expiryPolicy: 'link-detach',
      distributionMode: null,
      filter: null,
      capabilities: [],
      defaultOutcome: { type: 'released' },
    });
  });

  it.each([
    ['by number', SELECTOR, 'jms-selector'],
    ['by name', sym('apache.org:selector-filter:string'), 'anything'],
  ] as const)('a selector, known %s, goes to the queue and is told back', (_how, descriptor, key) => {
    const value = typeof descriptor === 'number' ? selector('a = 1') : new AmqpDescribed(descriptor, 'a = 1');
    const consuming = consume({ filter: filters({ [key]: value }) });
    expect(consuming.client.addresses.consumer.spec.queue?.selector).toBe('a = 1');
    expect([...(consuming.answer?.filter ?? [])]).toEqual([[sym(key), value]]);
  });

  it('no-local goes to the queue and is told back', () => {
    const value = described(NO_LOCAL, 'NoLocalFilter{}');
    const consuming = consume({ filter: filters({ 'no-local': value, 'jms-selector': selector('') }) });
    expect(consuming.client.addresses.consumer.spec.queue).toMatchObject({ noLocal: true, selector: '' });
    expect(consuming.answer?.filter?.size).toBe(2);
  });

  it.each([
    ['topic/a', 1],
    ['multicast/a', undefined],
  ])('no-local at %s is told back where it is served', (address, told) => {
    const consuming = consume({ address, filter: filters({ 'no-local': described(NO_LOCAL, []) }) });
    expect(consuming.client.addresses.consumer.spec.queue?.noLocal).toBe(true);
    expect(consuming.answer?.filter?.size).toBe(told);
  });

  it('a filter that is not known is not told back', () => {
    const unknown = { xquery: described(0x0000468c00000002, 'x'), plain: 'a = 1', other: described(7, 'x') };
    const consuming = consume({ filter: filters({ ...unknown, s: selector('a = 1') }) });
    expect([...(consuming.answer?.filter ?? [])].map(([key]) => String(key))).toEqual(['s']);
  });

  it('a syntax error of a selector refuses the link with its column', () => {
    const { inbox, client } = consume({ filter: filters({ s: selector('a = = 1') }) });
    expect(inbox.detached).toMatchObject({ condition: CONDITION.invalidField });
    expect(inbox.detached?.description).toContain('column 5');
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 0]);
  });

  it.each<[string, AmqpMap]>([
    ['no string', filters({ s: selector(new AmqpTyped('uint', 1)) })],
    ['twice there', filters({ s: selector('a = 1'), t: selector('a = 2') })],
  ])('a selector that is %s refuses the link', (_what, filter) => {
    expect(consume({ filter }).inbox.detached).toMatchObject({ condition: CONDITION.invalidField });
  });

  it('distribution mode copy browses a queue', () => {
    const consuming = consume({ distributionMode: 'copy' });
    expect(consuming.client.addresses.consumer.spec.queue?.browse).toBe(true);
    expect(consuming.answer?.distributionMode).toBe('copy');
  });

  it.each([
    ['queue/a', 'move', 'move'],
    ['anycast/a', 'copy', 'move'],
    ['topic/a', 'copy', 'copy'],
    ['topic/a', 'move', 'copy'],
  ] as const)('%s in mode %s is told as %s', (address, distributionMode, told) => {
    expect(consume({ address, distributionMode }).answer?.distributionMode).toBe(told);
  });

  it.each<[string, Partial<Source>, AttachOptions]>([
    ['capability of its source', { capabilities: ['queue', 'exclusive'] }, {}],
    ['property of its link', { capabilities: ['queue'] }, { properties: symbolMap({ exclusive: true }) }],
  ])('an exclusive consumer is one by a %s', (_what, source, options) => {
    const consuming = consume(source, options);
    expect(consuming.client.addresses.consumer.spec.queue?.exclusive).toBe(true);
    expect(consuming.answer?.capabilities).toEqual(source.capabilities);
  });

  it.each([
    ['queue/a', 'exclusive', ['exclusive']],
    ['anycast/a', 'queue', ['queue']],
  ])('a subscription to %s is a plain consumer, and told so', (address, capability, capabilities) => {
    const source = {
      address,
      durable: 2,
      expiryPolicy: 'never',
      capabilities: [capability, 'shared', 'global'],
    } as const;
    const { answer, client } = consume(source);
    expect(answer).toMatchObject({ durable: 0, expiryPolicy: 'link-detach', capabilities });
    expect(client.addresses.consumer.spec.subscription).toBeUndefined();
  });

  it('what the address layer refuses refuses the link', () => {
    const client = new FakeClient();
    client.addresses.refusal = new FairleadError('FL_ADDRESS_KIND', 'no', { condition: CONDITION.notAllowed });
    const receiver = client.session.attachReceiver('r', { source: { type: 'source', address: 'a' } });
    const inbox = new Inbox();
    receiver.handler = inbox;
    client.run();
    expect(inbox.detached).toMatchObject({ condition: CONDITION.notAllowed, description: 'no' });
    expect(client.budget.links).toBe(0);
  });

  it('is answered when the mesh knows of it, within the call or later', () => {
    const client = new FakeClient();
    client.addresses.onOpen = () => undefined;
    const receiver = client.session.attachReceiver('r', { source: { type: 'source', address: 'topic/a' } });
    receiver.addCredit(1);
    client.run();
    expect([receiver.state, client.addresses.consumer.pumps]).toEqual(['attaching', 0]);
    client.addresses.consumer.handler.onConfirmed([]);
    client.run();
    expect(receiver.state).toBe('attached');
    expect(client.addresses.consumer.handler.credit()).toBe(1);
  });
});

it('a dynamic source is a temporary address, gone with its link', () => {
  const { client, receiver, answer } = consume({ address: null, dynamic: true, capabilities: ['temporary-queue'] });
  expect(answer).toMatchObject({ address: 'temporary', dynamic: true, capabilities: ['temporary-queue'] });
  expect(client.addresses.dropped).toEqual([]);
  receiver.detach();
  client.run();
  expect(client.addresses.dropped).toEqual(['temporary']);
});

describe('a selector on a topic', () => {
  function selecting(address: string) {
    const consuming = consume({ address, filter: filters({ s: selector("region = 'eu'") }) });
    consuming.receiver.setCredit(10);
    consuming.client.run();
    return { ...consuming, consumer: consuming.client.addresses.consumer };
  }

  it('is applied here: what is not selected uses no credit, and is accepted where somebody waits for that', () => {
    const consuming = selecting('multicast/a');
    const { client, consumer, inbox, receiver } = consuming;
    expect(consuming.answer?.filter?.size).toBe(1);
    for (const [token, region] of ['eu', 'us', 'eu'].entries()) consumer.deliver(token, message(region));
    consumer.deliver(-1, message('us'));
    client.run();
    expect(inbox.deliveries.map(({ body }) => body)).toEqual([message('eu'), message('eu')]);
    expect(receiver.credit).toBe(8);
    expect(consumer.settled).toEqual([{ token: 1, outcome: OUTCOME.accepted, detail: null, confirm: false }]);
    expect(client.counters.messagesOut).toBe(2);
  });

  it('looks at the head of large messages', () => {
    const { client, consumer, inbox } = selecting('topic/a');
    for (const region of ['us', 'eu']) {
      const bytes = Buffer.concat([message(region), Buffer.alloc(200_000)]);
      const body: LargeBody = {
        length: bytes.length,
        read: (at, target) => bytes.copy(target, 0, at),
        retain: () => undefined,
        release: () => undefined,
      };
      consumer.handler.deliverLarge(-1, consumer.address, true, body);
    }
    client.run();
    expect(inbox.deliveries.map(({ body }) => body.subarray(0, message('eu').length))).toEqual([message('eu')]);
  });

  it('on an anycast address is not applied, and not told back: what it refuses would have to go elsewhere', () => {
    const consuming = selecting('anycast/a');
    consuming.consumer.deliver(0, message('us'));
    consuming.client.run();
    expect(consuming.answer?.filter).toBeNull();
    expect(consuming.inbox.deliveries).toHaveLength(1);
  });
});

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
