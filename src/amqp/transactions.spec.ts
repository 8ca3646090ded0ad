import { decodeDeliveryState, described, encodeDeliveryState } from './codec/delivery-states';
import { decodeValue } from './codec/decoder';
import { encodeValue } from './codec/encoder';
import { transactionCommandOf, transactionCommandValue, type TransactionCommand } from './codec/transactions';
import type { DeliveryState } from './codec/types';
import { AmqpDescribed, AmqpMap, AmqpTyped, sym, type AmqpValue } from './codec/values';
import { AMQP_OUTCOME, CONDITION } from './constants';
import { DecodeError } from './errors';
import { Inbox, Outbox, Recorder } from './pair.fixture';
import { RawPeer, uint } from './raw-peer.fixture';
import type { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';

const TXN = Buffer.from('txn-1');
const ANNOTATIONS = new AmqpMap([[sym('x-opt-a'), 1]]);
const ACCEPTED = described(0x24, []);

describe('4.5 delivery states and commands of transactions', () => {
  const states: readonly DeliveryState[] = [
    { type: 'declared', txnId: TXN },
    { type: 'transactional', txnId: TXN, outcome: null },
    { type: 'transactional', txnId: TXN, outcome: { type: 'accepted' } },
    { type: 'transactional', txnId: TXN, outcome: { type: 'released' } },
    { type: 'transactional', txnId: TXN, outcome: { type: 'rejected', error: { condition: 'app:no' } } },
    {
      type: 'transactional',
      txnId: TXN,
      outcome: { type: 'modified', deliveryFailed: true, undeliverableHere: true, messageAnnotations: ANNOTATIONS },
    },
  ];
  it.each(states)('%j is read as it was written', (state) => {
    const bytes = encodeDeliveryState(state);
    expect(decodeDeliveryState(bytes, 0, bytes.length)).toEqual(state);
  });

  it.each<[string, AmqpValue]>([
    ['declared without an id', described(0x33, [])],
    ['a transactional state without an id', described(0x34, [])],
    ['a transactional state with an id of another type', described(0x34, ['txn-1'])],
    ['a transactional state within another', described(0x34, [TXN, described(0x34, [TXN])])],
    ['a transactional state with received', described(0x34, [TXN, described(0x23, [uint(1), ulong(1)])])],
    ['a transactional state of too many fields', described(0x34, [TXN, null, null])],
    ['a transactional state that is no list', described(0x34, 'x')],
  ])('%s is an error', (_what, value) => {
    const bytes = encodeValue(value);
    expect(() => decodeDeliveryState(bytes, 0, bytes.length)).toThrow(DecodeError);
  });

  it('symbolic descriptors are known', () => {
    const bytes = encodeValue(new AmqpDescribed(sym('amqp:transactional-state:list'), [TXN, ACCEPTED]));
    expect(decodeDeliveryState(bytes, 0, bytes.length)).toMatchObject({ type: 'transactional', txnId: TXN });
    const discharge = new AmqpDescribed(sym('amqp:discharge:list'), [TXN, true]);
    expect(transactionCommandOf(discharge)).toEqual({ type: 'discharge', txnId: TXN, fail: true });
  });

  const commands: readonly TransactionCommand[] = [
    { type: 'declare', globalId: null },
    { type: 'declare', globalId: Buffer.from('xid') },
    { type: 'discharge', txnId: TXN, fail: false },
    { type: 'discharge', txnId: TXN, fail: true },
  ];
  it.each(commands)('%j is read as it was written', (command) => {
    const bytes = encodeValue(transactionCommandValue(command));
    expect(transactionCommandOf(decodeValue(bytes, 0, bytes.length).value)).toEqual(command);
  });

  it.each<[string, AmqpValue]>([
    ['another described type', described(0x33, [TXN])],
    ['a text', 'declare'],
    ['discharge without an id', described(0x32, [])],
    ['discharge that is no list', described(0x32, TXN)],
    ['declare of too many fields', described(0x31, [null, null])],
  ])('%s is no command', (_what, value) => {
    expect(() => transactionCommandOf(value)).toThrow(DecodeError);
  });
});

function ulong(value: number): AmqpTyped {
  return new AmqpTyped('ulong', value);
}

describe('4.4.2 outcomes within a transaction', () => {
  function consumer(settlesLater: boolean, takes = true) {
    const told: unknown[] = [];
    const onTransactional = (_link: SenderLink, id: number, token: number, settled: boolean, state: DeliveryState) =>
      void told.push([id, token, settled, state]);
    const outbox = new Outbox();
    const server = new Recorder((link) => {
      const sender = link as SenderLink;
      sender.handler = takes ? Object.assign(outbox, { onTransactional }) : outbox;
      sender.settlesLater = settlesLater;
      sender.accept();
    });
    const peer = new RawPeer(server).open().begin().attach(0, false);
    peer.say('flow', [uint(0), uint(1_000), uint(0), uint(1_000), uint(0), uint(0), uint(500)]);
    const sender = server.links[0] as SenderLink;
    for (const token of [7, 8]) sender.send(Buffer.from('x'), 0, 1, token, false, 0);
    peer.turn().seen();
    const tell = (settled: boolean, state: AmqpValue): RawPeer =>
      peer.say('disposition', [true, uint(0), uint(1), settled, state]);
    return { peer, sender, told, tell, outbox, server };
  }

  it('come with their transaction, and apart from others', () => {
    const { told, tell, outbox, sender } = consumer(false);
    tell(true, described(0x34, [TXN, ACCEPTED]));
    const state = { type: 'transactional', txnId: TXN, outcome: { type: 'accepted' } };
    expect(told).toEqual([
      [0, 7, true, state],
      [1, 8, true, state],
    ]);
    expect([outbox.outcomes, sender.unsettled]).toEqual([[], 0]);
  });

  it('wait for their settlement where the link settles later', () => {
    const { told, tell, peer, sender } = consumer(true);
    expect(tell(false, described(0x34, [TXN, ACCEPTED])).names()).toEqual([]);
    expect(told).toHaveLength(2);
    sender.settle(0);
    sender.settle(1);
    expect(peer.turn().names()).toEqual(['disposition']);
  });

  it.each<[string, AmqpValue]>([
    ['of a transaction', described(0x34, [TXN])],
    ['of an extension', described(0x77, [])],
    ['that only a coordinator tells', described(0x33, [TXN])],
  ])('%s end a link that does not take them', (_what, state) => {
    const { tell, peer, server } = consumer(false, false);
    tell(true, state);
    expect(peer.conditionOf('detach')).toBe(CONDITION.notImplemented);
    expect(server.errors.map(({ scope }) => scope)).toEqual(['link']);
  });

  it('of an extension end a link that takes transactions', () => {
    const { tell, peer } = consumer(false);
    tell(true, described(0x77, []));
    expect(peer.conditionOf('detach')).toBe(CONDITION.notImplemented);
  });

  it('of what was unsettled on a link that this end has detached are told, until the peer has detached it too', () => {
    const { tell, peer, sender, outbox, told } = consumer(false);
    const lost: string[] = [];
    Object.assign(outbox, { onWorkLost: (_link: SenderLink, txnId: Buffer) => void lost.push(String(txnId)) });
    sender.detach();
    tell(true, ACCEPTED);
    expect(lost).toEqual([]);
    tell(true, described(0x34, [TXN, ACCEPTED]));
    expect([lost, told]).toEqual([['txn-1'], []]);
    peer.say('detach', [uint(0), true]);
    tell(true, described(0x34, [TXN, ACCEPTED]));
    expect(lost).toHaveLength(1);
  });

  it('of what is settled already lose nothing, nor do those of other links', () => {
    const { tell, peer, sender, outbox, told, server } = consumer(false);
    const lost: string[] = [];
    Object.assign(outbox, { onWorkLost: (_link: SenderLink, txnId: Buffer) => void lost.push(String(txnId)) });
    peer.attach(1, false);
    peer.say('flow', [uint(0), uint(1_000), uint(2), uint(1_000), uint(1), uint(0), uint(500)]);
    const other = server.links[1] as SenderLink;
    other.send(Buffer.from('y'), 0, 1, 9, false, 0);
    sender.send(Buffer.from('x'), 0, 1, 10, false, 0);
    tell(true, described(0x34, [TXN, ACCEPTED]));
    sender.detach();
    peer.say('disposition', [true, uint(2), null, true, described(0x34, [TXN, ACCEPTED])]);
    tell(true, described(0x34, [TXN, ACCEPTED]));
    expect([lost, told.length]).toEqual([[], 3]);
    peer.say('disposition', [true, uint(2), uint(3), true, described(0x34, [TXN, ACCEPTED])]);
    expect(lost).toHaveLength(1);
  });

  it('that are malformed end the connection', () => {
    const { tell, peer } = consumer(false);
    tell(true, described(0x34, []));
    expect(peer.conditionOf('close')).toBe(CONDITION.decode);
  });
});

describe('4.4.1 transfers within a transaction', () => {
  function publisher(takes = true) {
    const seen: (string | null)[] = [];
    const inbox = new Inbox((link) => void seen.push(link.transaction?.toString() ?? null));
    const server = new Recorder((link) => {
      const receiver = link as ReceiverLink;
      receiver.handler = takes ? Object.assign(inbox, { takesTransactions: true }) : inbox;
      receiver.accept();
      receiver.setCredit(100);
    });
    const peer = new RawPeer(server).open().begin().attach(0, true);
    peer.seen();
    return { peer, seen, inbox, receiver: server.links[0] as ReceiverLink, server };
  }
  const within = (...state: AmqpValue[]): AmqpValue[] => [false, false, null, described(0x34, state)];

  it('name it with their first frame', () => {
    const { peer, seen, inbox } = publisher();
    peer.transfer(0, 0, Buffer.from('a'), within(TXN));
    peer.transfer(0, 1, Buffer.from('b'));
    peer.transfer(0, 2, Buffer.from('c'), [false, true, null, described(0x34, [TXN])]);
    peer.transfer(0, null, Buffer.from('d'), [false, false]);
    peer.transfer(0, 3, Buffer.from('e'), [false, false, null, ACCEPTED]);
    expect(inbox.deliveries.map(({ body }) => body.toString())).toEqual(['a', 'b', 'cd', 'e']);
    expect(seen).toEqual(['txn-1', null, 'txn-1', null]);
  });

  it('end a link that takes none: they must not count as if they were in none', () => {
    const { peer, inbox, server } = publisher(false);
    peer.transfer(0, 0, Buffer.from('a'), within(TXN));
    expect(peer.conditionOf('detach')).toBe(CONDITION.notImplemented);
    expect([inbox.deliveries, server.errors.map(({ scope }) => scope)]).toEqual([[], ['link']]);
  });

  it('are told when they come for a link that this end has detached', () => {
    const { peer, inbox, receiver } = publisher();
    const lost: string[] = [];
    Object.assign(inbox, { onWorkLost: (_link: ReceiverLink, txnId: Buffer) => void lost.push(String(txnId)) });
    peer.transfer(0, 0, Buffer.from('a'), within(TXN));
    receiver.detach();
    peer.transfer(0, 1, Buffer.from('b'));
    peer.transfer(0, 2, Buffer.from('c'), [false, true, null, described(0x34, [Buffer.from('txn-2')])]);
    peer.transfer(0, null, Buffer.from('d'), [false, false]);
    expect([inbox.deliveries.length, new Set(lost)]).toEqual([1, new Set(['txn-2'])]);
  });

  it('are told when what is wrong with them ends the link', () => {
    const { peer, inbox, receiver } = publisher();
    const lost: string[] = [];
    Object.assign(inbox, { onWorkLost: (_link: ReceiverLink, txnId: Buffer) => void lost.push(String(txnId)) });
    receiver.maxMessageSize = 10;
    peer.transfer(0, 0, Buffer.from('a'), [false, true, null, described(0x34, [TXN])]);
    peer.transfer(0, null, Buffer.alloc(20), [false, true]);
    peer.transfer(0, null, Buffer.from('d'), [false, false]);
    expect(peer.conditionOf('detach')).toBe(CONDITION.messageSize);
    expect(new Set(lost)).toEqual(new Set(['txn-1']));
  });

  it('that are malformed end the connection', () => {
    const { peer } = publisher();
    peer.transfer(0, 0, Buffer.from('a'), within());
    expect(peer.conditionOf('close')).toBe(CONDITION.decode);
  });

  it('are answered with it, without the fields of an outcome that does not fit the frames of the peer', () => {
    const { peer, receiver } = publisher();
    peer.transfer(0, 0, Buffer.from('a'), within(TXN));
    peer.transfer(0, 1, Buffer.from('a'), within(TXN));
    const error = { condition: 'app:no', description: 'x'.repeat(200_000) };
    const state = (outcome: object) => ({ type: 'transactional', txnId: TXN, outcome }) as DeliveryState;
    receiver.dispose(0, AMQP_OUTCOME.transactional, true, state({ type: 'accepted' }));
    receiver.dispose(1, AMQP_OUTCOME.transactional, true, state({ type: 'rejected', error }));
    const told = peer
      .turn()
      .seen()
      .filter(({ name }) => name === 'disposition');
    const outcomes = told.map(({ fields }) => (fields[4] as AmqpDescribed).value as AmqpValue[]);
    expect(outcomes.map(([txnId]) => String(txnId))).toEqual(['txn-1', 'txn-1']);
    expect(outcomes.map(([, outcome]) => outcome)).toEqual([ACCEPTED, described(0x25, [])]);
  });
});
