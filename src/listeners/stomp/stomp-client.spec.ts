import { AmqpMap } from '../../amqp/codec/values';
import { decodeMessage } from '../../message/decode-message';
import { encodeMessage } from '../../message/encode-message';
import { dataBody, textBody } from '../../message/message';
import { PENDING, PUBLISH_FLAG } from '../../addresses/contract';
import { OUTCOME } from '../../streams/contract';
import { eventually } from '../../../test/support/eventually';
import { FakePeer } from './stomp.fixture';

const body = (text: string): Buffer => encodeMessage({ body: dataBody(Buffer.from(text)) });

describe('CONNECT (STOMP 1.2, "Connecting")', () => {
  it.each([
    ['1.0,1.1,1.2', '1.2'],
    ['1.1, 1.0', '1.1'],
    ['1.0', '1.0'],
    ['2.0,1.1', '1.1'],
  ])('with accept-version %s speaks %s', (accepted, version) => {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': accepted, host: 'mesh' });
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'CONNECTED', headers: { version, server: 'fairlead/test' } });
    expect(answer?.headers['session']).toBeTruthy();
  });

  it('without accept-version speaks 1.0, and no heart-beats', () => {
    const peer = new FakePeer();
    peer.say('CONNECT', { login: 'a', passcode: 'b' });
    const [answer] = peer.take();
    expect(answer?.headers['version']).toBe('1.0');
    expect(answer?.headers['heart-beat']).toBeUndefined();
  });

  it('may be called STOMP, and end its lines with CR LF', () => {
    const peer = new FakePeer();
    peer.raw('STOMP\r\naccept-version:1.2\r\nhost:mesh\r\n\r\n\0\r\n');
    expect(peer.take()[0]).toMatchObject({ command: 'CONNECTED', headers: { version: '1.2' } });
  });

  it('with no common version is told which there are, and closed', () => {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': '3.0', host: 'mesh' });
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'ERROR', headers: { version: '1.0,1.1,1.2' } });
    expect(peer.stream.ended).toBe(true);
  });

  it.each([
    ['v11.stomp', '1.0,1.1,1.2', '1.1'],
    ['v12.stomp', '1.2', '1.2'],
    ['v10.stomp', '1.0', '1.0'],
  ])('over WebSocket with %s speaks that version', (subprotocol, accepted, version) => {
    const peer = new FakePeer(1_000, subprotocol);
    peer.say('CONNECT', { 'accept-version': accepted, host: 'mesh' });
    expect(peer.take()[0]?.headers['version']).toBe(version);
  });

  it('over WebSocket refuses a client that does not accept what its subprotocol says', () => {
    const peer = new FakePeer(1_000, 'v12.stomp');
    peer.say('CONNECT', { 'accept-version': '1.1', host: 'mesh' });
    expect(peer.take()[0]?.command).toBe('ERROR');
  });

  it.each([
    ['twice', (peer: FakePeer) => peer.say('CONNECT', { 'accept-version': '1.2' }), 'CONNECT for the second time'],
    ['after nothing else than SEND', null, 'SEND before CONNECT'],
  ])('%s is out of order', (_what, first, said) => {
    const peer = first === null ? new FakePeer() : FakePeer.connected();
    if (first === null) peer.say('SEND', { destination: '/topic/a' }, 'x');
    else first(peer);
    expect(peer.take()[0]).toMatchObject({ command: 'ERROR', headers: { message: `FL_STOMP_ORDER\\c ${said}` } });
    expect(peer.stream.ended).toBe(true);
  });
});

describe('SEND', () => {
  it('publishes what it says, and is answered when the mesh has accepted it', () => {
    const peer = FakePeer.connected();
    peer.say(
      'SEND',
      {
        destination: '/topic/orders.new',
        receipt: 'r1',
        persistent: 'true',
        priority: '7',
        'content-type': 'text/plain',
        'reply-to': '/queue/answers',
        colour: 'r\\ced',
      },
      'hello',
    );
    const { published } = peer.addresses.publisher;
    expect(published).toMatchObject([{ to: 'orders.new', flags: PUBLISH_FLAG.durable }]);
    const message = decodeMessage(Buffer.from(published[0]?.payload ?? '', 'latin1'));
    expect(message).toMatchObject({
      header: { durable: true, priority: 7 },
      properties: { contentType: 'text/plain', replyTo: 'queue/answers' },
      body: dataBody(Buffer.from('hello')),
    });
    expect(message.applicationProperties).toEqual(new AmqpMap([['colour', 'r:ed']]));
    expect(peer.take()).toEqual([{ command: 'RECEIPT', headers: { 'receipt-id': 'r1' }, body: '' }]);
  });

  it('is answered later where the outcome comes later, and DISCONNECT waits for it', () => {
    const peer = FakePeer.connected();
    peer.addresses.publisher.verdict = PENDING;
    peer.say('SEND', { destination: '/queue/jobs', receipt: 'r1' }, 'x');
    peer.say('DISCONNECT', { receipt: 'bye' });
    expect(peer.take()).toEqual([]);
    const { published, handler } = peer.addresses.publisher;
    handler.onOutcome(published[0]?.token ?? -1, OUTCOME.accepted, null);
    expect(peer.take().map(({ headers }) => headers['receipt-id'])).toEqual(['r1', 'bye']);
    expect([peer.stream.ended, peer.addresses.publisher.closed]).toEqual([true, true]);
  });

  it('without a receipt is told nothing of its outcome', () => {
    const peer = FakePeer.connected();
    peer.say('SEND', { destination: '/queue/jobs' }, 'x');
    expect(peer.addresses.publisher.published[0]?.flags).toBe(PUBLISH_FLAG.settled);
    expect(peer.take()).toEqual([]);
  });

  it('that is refused ends the connection with its receipt', () => {
    const peer = FakePeer.connected();
    peer.addresses.publisher.verdict = OUTCOME.rejected;
    peer.say('SEND', { destination: '/queue/jobs', receipt: 'r1' }, 'x');
    expect(peer.take()[0]).toMatchObject({ command: 'ERROR', headers: { 'receipt-id': 'r1' } });
    expect(peer.stream.ended).toBe(true);
  });

  it('waits for credit, and holds its client up by its transport; frames before it pass', async () => {
    const peer = FakePeer.connected();
    const { publisher } = peer.addresses;
    for (let n = 0; n < 101; n++) peer.say('SEND', { destination: '/topic/a' }, `${n}`);
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a' });
    expect([publisher.published.length, peer.stream.paused, peer.addresses.consumers.length]).toEqual([100, true, 0]);
    publisher.handler.onCredit(5);
    await eventually('what waited is read', () => peer.addresses.consumers.length === 1);
    expect([publisher.published.length, peer.stream.paused]).toEqual([101, false]);
  });

  it.each([
    ['no destination', {}, "SEND without the header 'destination'"],
    ['an odd priority', { destination: '/topic/a', priority: 'high' }, "header 'priority' is 'high'"],
    ['an odd persistent', { destination: '/topic/a', persistent: 'maybe' }, "header 'persistent' is 'maybe'"],
    ['an odd kind', { destination: 'a', 'destination-type': 'BOTH' }, "destination type 'BOTH'"],
  ])('with %s ends the connection with an ERROR that names it', (_what, headers, said) => {
    const peer = FakePeer.connected();
    peer.say('SEND', { receipt: 'r1', ...headers }, 'x');
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'ERROR', headers: { 'receipt-id': 'r1' } });
    expect(answer?.body).toContain(said);
  });
});

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

describe('the end', () => {
  it('a cut connection gives back what it has', () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a' });
    peer.stream.user.closed('cut');
    expect([peer.addresses.consumer.failed, peer.addresses.publisher.closed]).toEqual([true, true]);
    expect([peer.budget.links, peer.deadlines.size, peer.closings]).toEqual([0, 0, 1]);
  });

  it('of the node is told', () => {
    const peer = FakePeer.connected();
    peer.connection.shutdown();
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_SHUTDOWN');
    expect(peer.stream.ended).toBe(true);
  });

  it('while the node drains nothing new begins', () => {
    const peer = FakePeer.connected();
    peer.connection.drain();
    peer.say('SEND', { destination: '/topic/a', receipt: 'r' }, 'x');
    expect(peer.take()[0]?.command).toBe('RECEIPT');
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a' });
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_SHUTDOWN');
  });
});
