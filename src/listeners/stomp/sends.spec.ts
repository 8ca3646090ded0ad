import { AmqpMap } from '../../amqp/codec/values';
import { decodeMessage } from '../../message/decode-message';
import { encodeMessage } from '../../message/encode-message';
import { dataBody, textBody } from '../../message/message';
import {
  PENDING,
  PUBLISH_FLAG,
  type AddressRef,
  type Consumer,
  type Publisher,
  type Transaction,
} from '../../addresses/contract';
import { FairleadError } from '../../common/errors';
import { OUTCOME } from '../../streams/contract';
import { eventually } from '../../../test/support/eventually';
import { TEMPORARIES_MAX, TRANSACTION_MS, TRANSACTIONS_MAX } from './limits';
import { FakePeer } from './stomp.fixture';

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
    ['an odd priority', { destination: '/topic/a', priority: 'high' }, "'priority' is no whole number"],
    ['an odd persistent', { destination: '/topic/a', persistent: 'maybe' }, "'persistent' is no boolean"],
    ['an odd kind', { destination: 'a', 'destination-type': 'BOTH' }, "destination type 'BOTH'"],
  ])('with %s ends the connection with an ERROR that names it', (_what, headers, said) => {
    const peer = FakePeer.connected();
    peer.say('SEND', { receipt: 'r1', ...headers }, 'x');
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'ERROR', headers: { 'receipt-id': 'r1' } });
    expect(answer?.body).toContain(said);
  });
});

describe('a SEND that does not come as a whole', () => {
  it('is gathered while it is small', () => {
    const peer = FakePeer.connected();
    peer.raw('SEND\ndestination:/topic/a\ncontent-length:6\n\nabc');
    peer.raw('def\0');
    const { published } = peer.addresses.publisher;
    expect(decodeMessage(Buffer.from(published[0]?.payload ?? '', 'latin1')).body).toEqual(
      dataBody(Buffer.from('abcdef')),
    );
    expect(peer.budget.gatheredBytes).toBe(0);
  });

  it.each([
    ['content-length:90000\n', ['begin a', /^\d+ bytes$/, '8 bytes', '45000 bytes', '45000 bytes', 'end']],
    ['', ['begin a', /^\d+ bytes$/, '8 bytes', '90000 bytes', 'end']],
  ])('is streamed on when it is large: %j', (length, parts) => {
    const peer = FakePeer.connected();
    peer.raw(`SEND\ndestination:/topic/a\nreceipt:r\n${length}\n`);
    for (const part of ['a', 'b']) peer.raw(part.repeat(45_000));
    peer.raw('\0');
    const seen = peer.addresses.publisher.parts;
    expect(seen).toHaveLength(parts.length);
    parts.forEach((part, at) => expect(seen[at]).toMatch(part));
    expect(peer.take()).toMatchObject([{ command: 'RECEIPT' }]);
    expect(peer.budget.gatheredBytes).toBe(0);
  });

  it('is held up by its transport when it comes faster than it leaves', async () => {
    const peer = FakePeer.connected();
    peer.raw(`SEND\ndestination:/topic/a\ncontent-length:90000\n\n${'a'.repeat(1_000)}`);
    peer.addresses.publisher.handler.onHold(true);
    peer.raw('a');
    expect(peer.stream.paused).toBe(true);
    peer.addresses.publisher.handler.onHold(false);
    await eventually('it goes on', () => !peer.stream.paused);
  });

  it('is given up when its client is gone', () => {
    const peer = FakePeer.connected();
    peer.raw('SEND\ndestination:/topic/a\n\nabc');
    peer.stream.user.closed('cut');
    expect([peer.budget.gatheredBytes, peer.addresses.publisher.closed]).toEqual([0, true]);
  });
});

describe('transactions', () => {
  class FakeTransaction implements Transaction {
    readonly done: string[] = [];
    commitWith: FairleadError | null = null;
    publish(_publisher: Publisher, to: AddressRef): typeof OUTCOME.accepted {
      this.done.push(`publish ${to.name}`);
      return OUTCOME.accepted;
    }
    begin(_publisher: Publisher, to: AddressRef): void {
      this.done.push(`begin ${to.name}`);
    }
    settle(_consumer: Consumer, token: number): void {
      this.done.push(`settle ${token}`);
    }
    commit(done: (error: FairleadError | null) => void): void {
      this.done.push('commit');
      done(this.commitWith);
    }
    rollback(): void {
      this.done.push('rollback');
    }
  }

  const begun = () => {
    const peer = FakePeer.connected();
    const transaction = new FakeTransaction();
    peer.addresses.beginTransaction = () => transaction;
    peer.say('BEGIN', { transaction: 't', receipt: 'b' });
    expect(peer.take()).toMatchObject([{ headers: { 'receipt-id': 'b' } }]);
    return { peer, transaction };
  };

  it('hold what is sent and answered in them until COMMIT', () => {
    const { peer, transaction } = begun();
    peer.say('SEND', { destination: '/queue/a', transaction: 't', receipt: 's' }, 'x');
    peer.say('SUBSCRIBE', { id: '1', destination: '/queue/a', ack: 'client' });
    peer.addresses.consumer.deliver(9, encodeMessage({ body: textBody('x') }));
    peer.say('ACK', { id: '1-1', transaction: 't' });
    peer.say('COMMIT', { transaction: 't', receipt: 'c' });
    expect(transaction.done).toEqual(['publish a', 'settle 9', 'commit']);
    expect(peer.take().flatMap(({ headers }) => headers['receipt-id'] ?? [])).toEqual(['s', 'c']);
  });

  it('come to nothing by ABORT, or with their connection', () => {
    const aborted = begun();
    aborted.peer.say('ABORT', { transaction: 't', receipt: 'a' });
    expect(aborted.peer.take()).toMatchObject([{ headers: { 'receipt-id': 'a' } }]);
    const cut = begun();
    cut.peer.stream.user.closed('cut');
    expect([aborted.transaction.done, cut.transaction.done]).toEqual([['rollback'], ['rollback']]);
    expect([aborted.peer.deadlines.size, cut.peer.deadlines.size]).toEqual([1, 0]);
  });

  it('that cannot be committed end the connection with the receipt of COMMIT', () => {
    const { peer, transaction } = begun();
    transaction.commitWith = new FairleadError('FL_STORE_FAILED', 'no room');
    peer.say('COMMIT', { transaction: 't', receipt: 'c' });
    expect(peer.take()[0]).toMatchObject({ command: 'ERROR', headers: { 'receipt-id': 'c' } });
  });

  it('that take too long are rolled back', () => {
    const { peer, transaction } = begun();
    peer.pass(TRANSACTION_MS);
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_TIMEOUT');
    expect(transaction.done).toEqual(['rollback']);
  });

  it('are no more than so many', () => {
    const { peer } = begun();
    for (let n = 1; n < TRANSACTIONS_MAX; n++) peer.say('BEGIN', { transaction: `t${n}` });
    expect(peer.take()).toEqual([]);
    peer.say('BEGIN', { transaction: 'one too many' });
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_LIMIT');
    expect(peer.deadlines.size).toBe(0);
  });

  it.each([
    ['BEGIN', { transaction: 't' }, 'has begun already'],
    ['BEGIN', {}, "without the header 'transaction'"],
    ['COMMIT', { transaction: 'u' }, "no open transaction 'u'"],
    ['ABORT', { transaction: 'u' }, "no open transaction 'u'"],
    ['SEND', { destination: '/queue/a', transaction: 'u' }, "no open transaction 'u'"],
  ])('%s of %j is out of order', (command, headers, said) => {
    const { peer } = begun();
    peer.say(command, headers);
    expect(peer.take()[0]?.body).toContain(said);
  });
});

describe('temporary destinations', () => {
  it('are made when they are named, stand for an address, and go with the connection', () => {
    const peer = FakePeer.connected();
    peer.say('SEND', { destination: '/queue/a', 'reply-to': '/temp-queue/mine' }, 'x');
    const { published } = peer.addresses.publisher;
    const { properties } = decodeMessage(Buffer.from(published[0]?.payload ?? '', 'latin1'));
    expect(properties?.replyTo).toBe('queue/temporary');
    peer.addresses.consumer.deliver(-1, encodeMessage({ body: textBody('answer') }));
    expect(peer.take()).toMatchObject([
      { command: 'MESSAGE', headers: { subscription: '/temp-queue/mine', destination: '/temp-queue/mine' } },
    ]);
    peer.stream.user.closed('cut');
    expect(peer.addresses.dropped).toEqual(['temporary']);
  });

  it('are subscribed to as any other, and then answers come by that subscription alone', () => {
    const peer = FakePeer.connected();
    peer.say('SEND', { destination: '/queue/a', 'reply-to': '/temp-queue/mine' }, 'x');
    peer.say('SUBSCRIBE', { id: 's', destination: '/temp-queue/mine' });
    peer.say('SEND', { destination: '/queue/a', 'reply-to': '/temp-queue/mine' }, 'y');
    expect(peer.addresses.consumers.map(({ failed }) => failed)).toEqual([false, undefined]);
    expect(peer.budget.links).toBe(1);
  });

  it('are no more than so many', () => {
    const peer = FakePeer.connected();
    peer.addresses.publisher.handler.onCredit(1_000);
    for (let n = 0; n <= TEMPORARIES_MAX; n++) peer.say('SEND', { destination: `/temp-topic/${n}` }, 'x');
    expect(peer.take().at(-1)?.headers['message']).toContain('FL_STOMP_LIMIT');
    expect(peer.addresses.dropped).toHaveLength(TEMPORARIES_MAX);
  });
});
