import { AddressError } from '../../addresses/errors';
import { AmqpMap } from '../../amqp/codec/values';
import { encodeMessage } from '../../message/encode-message';
import { dataBody, textBody, type MessageBody } from '../../message/message';
import { OUTCOME } from '../../streams/contract';
import { eventually } from '../../../test/support/eventually';
import { FakeLargeBody } from '../edge/messages.fixture';
import { OUTPUT_BYTES_MAX } from './limits';
import { FakePeer, type SeenFrame } from './stomp.fixture';

const body = (text: string): Buffer => encodeMessage({ body: dataBody(Buffer.from(text)) });

describe('SUBSCRIBE', () => {
  it('is answered when the mesh knows of it, and gets messages', () => {
    const peer = FakePeer.connected();
    peer.addresses.onOpen = () => undefined;
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a', receipt: 'r1' });
    expect(peer.take()).toEqual([]);
    const { consumer } = peer.addresses;
    expect(consumer.handler.ready()).toBe(false);
    consumer.handler.onConfirmed([]);
    expect(peer.take()).toMatchObject([{ command: 'RECEIPT', headers: { 'receipt-id': 'r1' } }]);
    consumer.deliver(-1, encodeMessage({ properties: { contentType: 'text/plain' }, body: textBody('grüße') }));
    expect(peer.take()).toEqual([
      {
        command: 'MESSAGE',
        headers: {
          subscription: 's',
          'message-id': '1-1',
          destination: '/topic/a',
          'content-type': 'text/plain',
          'content-length': '7',
          'fairlead-body': 'string',
        },
        body: 'grüße',
      },
    ]);
  });

  it.each([
    ['auto', true],
    ['client', false],
    ['client-individual', false],
  ])('with ack %s settles on delivery: %s', (ack, settled) => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack });
    expect(peer.addresses.consumer.spec.settled).toBe(settled);
  });

  it('takes no more than its prefetch-count unacknowledged', () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client-individual', 'prefetch-count': '2' });
    const { consumer } = peer.addresses;
    expect(consumer.handler.credit()).toBe(2);
    consumer.deliver(5, body('a'));
    consumer.deliver(6, body('b'));
    expect(consumer.handler.ready()).toBe(false);
    const [, second] = peer.take();
    peer.say('ACK', { id: second?.headers['ack'] ?? '' });
    expect(consumer.handler.credit()).toBe(1);
    expect(consumer.settled).toMatchObject([{ token: 6, outcome: OUTCOME.accepted }]);
  });

  it('passes over what its selector does not select', () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a', selector: 'n > 1' });
    const { consumer } = peer.addresses;
    consumer.deliver(-1, encodeMessage({ applicationProperties: new AmqpMap([['n', 1]]), body: textBody('1') }));
    consumer.deliver(-1, encodeMessage({ applicationProperties: new AmqpMap([['n', 2]]), body: textBody('2') }));
    expect(peer.take().map((frame) => frame.body)).toEqual(['2']);
  });

  it.each([
    ['durable-subscription-name', { 'durable-subscription-name': 'inbox' }, 'inbox'],
    ['activemq.subscriptionName', { 'activemq.subscriptionName': 'inbox' }, 'inbox'],
    ["RabbitMQ's durable", { durable: 'true', 'auto-delete': 'false' }, 's'],
    ["RabbitMQ's persistent", { persistent: 'true' }, 's'],
  ])('with %s is durable', (_what, headers, name) => {
    const peer = FakePeer.connected('1.2', { 'client-id': 'me' });
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a.#', ...headers });
    expect(peer.addresses.consumer.spec.subscription).toEqual({ name, client: 'me', durable: true, shared: false });
    peer.say('UNSUBSCRIBE', { id: 's', receipt: 'r', ...headers });
    expect(peer.take()).toEqual([]);
    const [[ref, done] = []] = peer.addresses.unsubscribed;
    expect(ref).toEqual({ name, client: 'me' });
    done?.(null);
    expect(peer.take()).toMatchObject([{ command: 'RECEIPT' }]);
  });

  it('without a client-id shares its durable subscription with all that name it', () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a', 'durable-subscription-name': 'inbox' });
    expect(peer.addresses.consumer.spec.subscription).toMatchObject({ client: null, shared: true });
  });
});

describe('ACK and NACK', () => {
  const subscribed = (ack: string, version = '1.2') => {
    const peer = FakePeer.connected(version);
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack });
    const { consumer } = peer.addresses;
    for (const token of [10, 11, 12]) consumer.deliver(token, body(String(token)));
    return { peer, consumer, frames: peer.take() };
  };
  const tokens = (consumer: { settled: { token: number; outcome: number }[] }) =>
    consumer.settled.map(({ token, outcome }) => [token, outcome]);

  it('with ack client stand for all before them', () => {
    const { peer, consumer, frames } = subscribed('client');
    peer.say('ACK', { id: frames[1]?.headers['ack'] ?? '' });
    expect(tokens(consumer)).toEqual([
      [10, OUTCOME.accepted],
      [11, OUTCOME.accepted],
    ]);
  });

  it('of 1.1 name the message and the subscription', () => {
    const { peer, consumer, frames } = subscribed('client-individual', '1.1');
    expect(frames[2]?.headers['ack']).toBeUndefined();
    peer.say('NACK', { 'message-id': frames[2]?.headers['message-id'] ?? '', subscription: 's' });
    expect(tokens(consumer)).toEqual([[12, OUTCOME.modifiedFailed]]);
  });

  it('of 1.0 name the message', () => {
    const { peer, consumer, frames } = subscribed('client', '1.0');
    peer.say('ACK', { 'message-id': frames[0]?.headers['message-id'] ?? '' });
    expect(tokens(consumer)).toEqual([[10, OUTCOME.accepted]]);
  });

  it('NACK without requeue makes a dead letter at once', () => {
    const { peer, consumer, frames } = subscribed('client-individual');
    peer.say('NACK', { id: frames[0]?.headers['ack'] ?? '', requeue: 'false' });
    expect(tokens(consumer)).toEqual([[10, OUTCOME.rejected]]);
  });

  it('with a receipt are answered when all of it is in force', () => {
    const { peer, consumer, frames } = subscribed('client');
    peer.say('ACK', { id: frames[1]?.headers['ack'] ?? '', receipt: 'r' });
    expect(peer.take()).toEqual([]);
    expect(consumer.settled.every(({ confirm }) => confirm)).toBe(true);
    consumer.handler.onSettled(10, null);
    expect(peer.take()).toEqual([]);
    consumer.handler.onSettled(11, null);
    expect(peer.take()).toMatchObject([{ command: 'RECEIPT', headers: { 'receipt-id': 'r' } }]);
  });

  it('UNSUBSCRIBE waits for the outcomes that a receipt was asked for', () => {
    const { peer, consumer, frames } = subscribed('client');
    peer.say('ACK', { id: frames[0]?.headers['ack'] ?? '', receipt: 'r' });
    peer.say('UNSUBSCRIBE', { id: 's', receipt: 'u' });
    expect([peer.take(), consumer.failed]).toEqual([[], undefined]);
    consumer.handler.onSettled(10, null);
    expect(peer.take().map(({ headers }) => headers['receipt-id'])).toEqual(['r', 'u']);
    expect(consumer.failed).toBe(false);
  });

  it('of what was delivered by a subscription that is over count for nothing', () => {
    const { peer, frames } = subscribed('client');
    peer.say('UNSUBSCRIBE', { id: 's' });
    peer.say('ACK', { id: frames[0]?.headers['ack'] ?? '' });
    expect([peer.take(), peer.stream.ended]).toEqual([[], false]);
  });

  it.each(['1-99', 'nonsense', '7-1', ''])('of %s, which was never delivered, end the connection', (id) => {
    const { peer, consumer } = subscribed('client');
    peer.say('ACK', { id, receipt: 'r' });
    expect(peer.take()[0]).toMatchObject({ command: 'ERROR', headers: { 'receipt-id': 'r' } });
    expect(consumer.failed).toBe(true);
  });
});

describe('a client that does not read', () => {
  it('gets no messages, is not read from, and goes on when it reads', async () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a' });
    const { consumer } = peer.addresses;
    peer.stream.unwrittenBytes = OUTPUT_BYTES_MAX;
    expect(consumer.handler.ready()).toBe(false);
    peer.say('SEND', { destination: '/topic/a' }, 'x');
    expect([peer.stream.paused, peer.addresses.publisher.published.length]).toEqual([true, 0]);
    peer.stream.unwrittenBytes = 0;
    const pumps = consumer.pumps;
    peer.run();
    expect(consumer.pumps).toBe(pumps + 1);
    await eventually('it is read from', () => !peer.stream.paused);
    expect(peer.addresses.publisher.published).toHaveLength(1);
  });
});

describe('a large message', () => {
  const subscribed = () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client' });
    peer.take();
    return { peer, consumer: peer.addresses.consumer };
  };

  it.each<[string, MessageBody, string, string | undefined]>([
    ['one section', dataBody(Buffer.alloc(300_000, 'x')), 'x'.repeat(300_000), undefined],
    [
      'two sections',
      { kind: 'data', parts: [Buffer.from('ab'), Buffer.alloc(100_000, 'x')] },
      `ab${'x'.repeat(100_000)}`,
      'data 2 100000',
    ],
    ['a text', textBody('y'.repeat(100_000)), 'y'.repeat(100_000), 'string'],
    ['a list', { kind: 'value', value: ['z'.repeat(100_000)] }, `["${'z'.repeat(100_000)}"]`, 'value'],
  ])('of %s is given as the smaller one would be', (_what, content, text, kind) => {
    const { peer, consumer } = subscribed();
    const body = new FakeLargeBody(encodeMessage({ properties: { subject: 'big' }, body: content }));
    consumer.handler.deliverLarge(1, consumer.address, false, body);
    const [frame] = peer.take();
    expect(frame?.headers).toMatchObject({ type: 'big', 'content-length': String(text.length) });
    expect(frame?.headers['fairlead-body']).toBe(kind);
    expect([frame?.body === text, body.claims]).toEqual([true, 1]);
  });

  it('goes out as its client takes it, and nothing between its parts', async () => {
    const { peer, consumer } = subscribed();
    const body = new FakeLargeBody(encodeMessage({ body: dataBody(Buffer.alloc(2 * OUTPUT_BYTES_MAX, 'x')) }));
    consumer.handler.deliverLarge(1, consumer.address, false, body);
    expect([consumer.handler.ready(), body.claims]).toEqual([false, 2]);
    peer.say('SEND', { destination: '/topic/a', receipt: 'r' }, 'x');
    const frames: SeenFrame[] = [];
    await eventually('all is out', () => frames.push(...peer.take()) && frames.length === 2);
    expect(frames.map(({ command }) => command)).toEqual(['MESSAGE', 'RECEIPT']);
    expect([consumer.handler.ready(), body.claims]).toEqual([true, 1]);
  });

  it('is let go of when the connection is cut', () => {
    const { peer, consumer } = subscribed();
    const body = new FakeLargeBody(encodeMessage({ body: dataBody(Buffer.alloc(2 * OUTPUT_BYTES_MAX, 'x')) }));
    consumer.handler.deliverLarge(1, consumer.address, false, body);
    peer.stream.user.closed('cut');
    expect(body.claims).toBe(1);
  });

  it('that is none is rejected, and costs nobody else anything', () => {
    const { peer, consumer } = subscribed();
    consumer.handler.deliverLarge(1, consumer.address, false, new FakeLargeBody(Buffer.alloc(100_000, 'x')));
    consumer.deliver(2, Buffer.from('neither'));
    expect(consumer.settled.map(({ token, outcome }) => [token, outcome])).toEqual([
      [1, OUTCOME.rejected],
      [2, OUTCOME.rejected],
    ]);
    expect([peer.take(), peer.counters.messagesRejected]).toEqual([[], 2]);
  });
});

it('what was missed before a message is told with it', () => {
  const peer = FakePeer.connected();
  peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a' });
  const { consumer } = peer.addresses;
  consumer.handler.onGap(
    new Map([
      ['west', 3],
      ['north', null],
    ]),
  );
  for (const text of ['a', 'b']) consumer.deliver(-1, body(text));
  expect(peer.take().map(({ headers }) => headers['fairlead-gap'])).toEqual(['west=3,north=unknown', undefined]);
});

describe('a queue that moves, or whose way breaks', () => {
  const gone = (code: 'FL_QUEUE_MOVED' | 'FL_QUEUE_INTERRUPTED' | 'FL_CONSUMER_SLOW'): AddressError =>
    new AddressError(code, 'attach again');

  it.each(['FL_QUEUE_MOVED', 'FL_QUEUE_INTERRUPTED'] as const)(
    'costs its consumer nothing (%s): what was not answered comes again, and late answers are for nobody',
    async (code) => {
      const peer = FakePeer.connected();
      peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client-individual', receipt: 'r' });
      const former = peer.addresses.consumer;
      former.deliver(5, body('a'));
      const [, first] = peer.take();
      former.handler.onGone(gone(code));
      expect(peer.addresses.consumers).toHaveLength(1);
      await Promise.resolve();
      const { consumer } = peer.addresses;
      expect(peer.addresses.consumers).toHaveLength(2);
      expect(consumer.spec).toEqual(former.spec);
      expect(consumer.pumps).toBe(1);
      consumer.deliver(5, body('a'));
      const [again] = peer.take();
      peer.say('ACK', { id: first?.headers['ack'] ?? '' });
      expect(consumer.settled).toEqual([]);
      peer.say('ACK', { id: again?.headers['ack'] ?? '', receipt: 'acked' });
      expect(consumer.settled).toMatchObject([{ token: 5, confirm: true }]);
      consumer.handler.onSettled(5, null);
      expect(peer.take()).toMatchObject([{ command: 'RECEIPT', headers: { 'receipt-id': 'acked' } }]);
      expect(peer.budget.links).toBe(1);
    },
  );

  it('is told to a client that asks for a receipt of what is void', async () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client' });
    const former = peer.addresses.consumer;
    former.deliver(5, body('a'));
    const [first] = peer.take();
    former.handler.onGone(gone('FL_QUEUE_MOVED'));
    await Promise.resolve();
    peer.say('ACK', { id: first?.headers['ack'] ?? '', receipt: 'r' });
    expect(peer.take()).toMatchObject([
      { command: 'ERROR', headers: { 'receipt-id': 'r', message: 'FL_QUEUE_MOVED\\c attach again' } },
    ]);
  });

  it('is told to a client that waits for a receipt, and so is any other end', () => {
    for (const code of ['FL_QUEUE_MOVED', 'FL_CONSUMER_SLOW'] as const) {
      const peer = FakePeer.connected();
      peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client' });
      const { consumer } = peer.addresses;
      consumer.deliver(5, body('a'));
      const [first] = peer.take();
      if (code === 'FL_QUEUE_MOVED') peer.say('ACK', { id: first?.headers['ack'] ?? '', receipt: 'r' });
      consumer.handler.onGone(gone(code));
      expect(peer.take()).toMatchObject([{ command: 'ERROR', headers: { message: `${code}\\c attach again` } }]);
    }
  });

  it('ends the connection when it cannot be consumed any more', async () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a', ack: 'client' });
    const { consumer } = peer.addresses;
    consumer.handler.onGone(gone('FL_QUEUE_MOVED'));
    peer.addresses.refusal = new AddressError('FL_QUEUE_UNREACHABLE', 'out of reach');
    await Promise.resolve();
    expect(peer.take()).toMatchObject([
      { command: 'ERROR', headers: { message: 'FL_QUEUE_UNREACHABLE\\c out of reach' } },
    ]);
  });
});
