import { AMQP_OUTCOME, CONDITION } from './constants';
import { AmqpMap, AmqpTyped, sym } from './codec/values';
import type { DeliveryState } from './codec/types';
import type { Link } from './link';
import { Inbox, Outbox, Pair, Recorder } from './pair.fixture';
import { described } from './codec/delivery-states';
import { RawPeer, uint } from './raw-peer.fixture';
import { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

type Snd = 0 | 1 | 2;
type Rcv = 0 | 1;
const MODES: readonly (readonly [Snd, Rcv])[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
  [2, 0],
  [2, 1],
];
const NAMES = ['unsettled', 'settled', 'mixed'];

function payload(text: string): Buffer {
  return Buffer.from(text);
}

interface Flowing {
  readonly pair: Pair;
  readonly sender: SenderLink;
  readonly receiver: ReceiverLink;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
}

/** A link whose attaching side sends, or receives, with the modes asked for. */
function flowing(
  snd: Snd,
  rcv: Rcv,
  initiatorSends: boolean,
  onDelivery: (link: ReceiverLink, id: number) => void,
): Flowing {
  const inbox = new Inbox(onDelivery);
  const outbox = new Outbox();
  const prepare = (link: Link): void => {
    if (link instanceof ReceiverLink) link.handler = inbox;
    else (link as SenderLink).handler = outbox;
  };
  const server = new Recorder((link) => {
    link.accept();
    prepare(link);
  });
  const pair = new Pair(new Recorder(), server);
  pair.run();
  const session = pair.client.begin();
  const options = { sndSettleMode: snd, rcvSettleMode: rcv };
  const own = initiatorSends ? session.attachSender('l', options) : session.attachReceiver('l', options);
  prepare(own);
  pair.run();
  const other = server.links[0] as Link;
  const [sender, receiver] = (initiatorSends ? [own, other] : [other, own]) as [SenderLink, ReceiverLink];
  receiver.addCredit(10);
  pair.run();
  return { pair, sender, receiver, outbox, inbox };
}

describe('settlement', () => {
  for (const [snd, rcv] of MODES)
    for (const initiatorSends of [true, false])
      it(`2.7.3 modes ${NAMES[snd]} x ${rcv === 0 ? 'first' : 'second'}, ${initiatorSends ? 'sender' : 'receiver'} attaches`, () => {
        const flow = flowing(snd, rcv, initiatorSends, (link, id) => {
          const { settled } = flow.inbox.deliveries.find((delivery) => delivery.id === id) as { settled: boolean };
          if (!settled) link.dispose(id, AMQP_OUTCOME.accepted, link.rcvSettleMode === 0);
        });
        const { pair, sender, receiver, outbox, inbox }: Flowing = flow;
        expect([sender.sndSettleMode, receiver.sndSettleMode]).toEqual([snd, snd]);
        expect([sender.rcvSettleMode, receiver.rcvSettleMode]).toEqual([rcv, rcv]);
        const sent = snd === 0 ? [false, false] : snd === 1 ? [true, true] : [true, false];
        sent.forEach((settled, token) => sender.send(payload(`m${token}`), 0, 2, token, settled, 0));
        pair.run();
        expect(inbox.deliveries.map(({ settled }) => settled)).toEqual(sent);
        const unsettled = [0, 1].filter((token) => sent[token] === false);
        expect(outbox.outcomes.map(({ token, outcome }) => [token, outcome])).toEqual(
          unsettled.map((token) => [token, AMQP_OUTCOME.accepted]),
        );
        // In mode second the receiver hears that the sender has settled, in mode first it settled by itself.
        expect(inbox.settledByPeer).toHaveLength(rcv === 1 ? unsettled.length : 0);
        expect(sender.unsettled).toBe(0);
      });

  const annotations = new AmqpMap([[sym('x-opt-why'), 'later']]);
  const states: readonly (readonly [string, number, DeliveryState | null])[] = [
    ['3.4.2 accepted', AMQP_OUTCOME.accepted, null],
    [
      '3.4.3 rejected with its error',
      AMQP_OUTCOME.rejected,
      { type: 'rejected', error: { condition: 'app:no', description: 'why', info: annotations } },
    ],
    ['3.4.3 rejected without an error', AMQP_OUTCOME.rejected, null],
    ['3.4.4 released', AMQP_OUTCOME.released, null],
    [
      '3.4.5 modified with its fields',
      AMQP_OUTCOME.modified,
      { type: 'modified', deliveryFailed: true, undeliverableHere: true, messageAnnotations: annotations },
    ],
    ['3.4.5 modified without fields', AMQP_OUTCOME.modified, null],
  ];
  it.each(states)('%s arrives as it was told', (_what, outcome, detail) => {
    const tell = (link: ReceiverLink, id: number): void => link.dispose(id, outcome as 0, true, detail);
    const { pair, sender, outbox } = flowing(0, 0, true, tell);
    sender.send(payload('x'), 0, 1, 42, false, 0);
    pair.run();
    expect(JSON.stringify(outbox.outcomes)).toBe(JSON.stringify([{ token: 42, outcome, detail }]));
    expect([
      ...((outbox.outcomes[0]?.detail as { messageAnnotations?: AmqpMap } | null)?.messageAnnotations ?? []),
    ]).toEqual(detail?.type === 'modified' ? [...annotations] : []);
  });

  it('2.7.6 an outcome with fields that do not fit a frame of the peer comes without them', () => {
    const error = { condition: 'app:no', description: 'x'.repeat(2_000) };
    const inbox = new Inbox((link, id) => link.dispose(id, AMQP_OUTCOME.rejected, true, { type: 'rejected', error }));
    const server = new Recorder((link) => {
      link.accept();
      (link as ReceiverLink).handler = inbox;
      (link as ReceiverLink).addCredit(1);
    });
    const pair = new Pair(new Recorder(), server, { frameBytesMax: 512 });
    const outbox = new Outbox();
    pair.run();
    const sender = pair.client.begin().attachSender('s', {});
    sender.handler = outbox;
    pair.run();
    sender.send(payload('x'), 0, 1, 1, false, 0);
    pair.run();
    expect(outbox.outcomes).toEqual([{ token: 1, outcome: AMQP_OUTCOME.rejected, detail: null }]);
  });

  describe('by a raw receiver', () => {
    function consumer(defaultOutcome: ReturnType<typeof described> | null = null) {
      const outbox = new Outbox();
      const server = new Recorder((link) => {
        (link as SenderLink).handler = outbox;
        link.accept();
      });
      const peer = new RawPeer(server);
      const source = described(0x28, ['a', null, null, null, null, null, null, null, defaultOutcome]);
      peer
        .open()
        .begin()
        .say('attach', ['r', uint(0), true, null, null, source, described(0x29, [])]);
      peer.say('flow', [uint(0), uint(100), uint(0), uint(100), uint(0), uint(0), uint(50)]).seen();
      const sender = server.links[0] as SenderLink;
      const send = (count: number): void => {
        for (let token = 0; token < count; token++) sender.send(payload('x'), 0, 1, token, false, 0);
        peer.turn().seen();
      };
      return { peer, sender, outbox, server, send };
    }

    it('3.5.3 a delivery settled without a state has the default outcome of the source, with its fields', () => {
      const { peer, outbox, send } = consumer(described(0x27, [true]));
      send(1);
      peer.say('disposition', [true, uint(0), null, true]);
      expect(outbox.outcomes).toEqual([
        {
          token: 0,
          outcome: AMQP_OUTCOME.modified,
          detail: { type: 'modified', deliveryFailed: true, undeliverableHere: false, messageAnnotations: null },
        },
      ]);
    });

    it('3.5.3 without a default outcome it is released; so is one whose last state was received', () => {
      const { peer, outbox, send } = consumer();
      send(2);
      peer.say('disposition', [true, uint(0), null, true]);
      peer.say('disposition', [true, uint(1), null, false, described(0x23, [uint(0), new AmqpTyped('ulong', 0)])]);
      peer.say('disposition', [true, uint(1), null, true]);
      expect(outbox.outcomes.map(({ outcome }) => outcome)).toEqual([AMQP_OUTCOME.released, AMQP_OUTCOME.released]);
    });

    it('2.6.12 ranges: each delivery once, in order; what was settled or never sent is passed over', () => {
      const { peer, outbox, send, sender } = consumer();
      send(10);
      peer.say('disposition', [true, uint(2), uint(4), true, described(0x24, [])]);
      peer.say('disposition', [true, uint(0), uint(0x7fff_fff0), true, described(0x26, [])]);
      expect(outbox.outcomes.map(({ token, outcome }) => [token, outcome])).toEqual([
        ...[2, 3, 4].map((token) => [token, AMQP_OUTCOME.accepted]),
        ...[0, 1, 5, 6, 7, 8, 9].map((token) => [token, AMQP_OUTCOME.released]),
      ]);
      expect(sender.unsettled).toBe(0);
    });

    it('2.6.12 an outcome that is not settled is settled by the sender, in one range', () => {
      const { peer, send } = consumer();
      send(5);
      const seen = peer.say('disposition', [true, uint(0), uint(4), false, described(0x24, [])]).seen();
      expect(seen.map(({ name, fields }) => [name, ...fields.slice(0, 4)])).toEqual([
        ['disposition', false, expect.objectContaining({ value: 0 }), expect.objectContaining({ value: 4 }), true],
      ]);
    });

    it('4.5.8 an outcome of a transaction ends the link, which serves none', () => {
      const { peer, send, server } = consumer();
      send(1);
      peer.say('disposition', [true, uint(0), null, true, described(0x34, [Buffer.from('t')])]);
      expect(peer.conditionOf('detach')).toBe(CONDITION.notImplemented);
      expect(server.errors.map(({ scope }) => scope)).toEqual(['link']);
    });
  });

  it('2.6.12 many deliveries, settled in any order, leave nothing behind', () => {
    const ids: number[] = [];
    const { pair, sender, receiver, outbox } = flowing(2, 0, true, (_link, id) => ids.push(id));
    for (let round = 0; round < 40; round++) {
      receiver.setCredit(1_000);
      pair.run();
      for (let n = 0; n < 500; n++) sender.send(payload('x'), 0, 1, round * 500 + n, n % 3 === 0, 0);
      pair.run();
    }
    ids.sort((a, b) => ((a * 7_919) % 20_011) - ((b * 7_919) % 20_011));
    for (const id of ids) if (id % 3 !== 0 || (id % 500) % 3 !== 0) receiver.dispose(id, AMQP_OUTCOME.accepted, true);
    pair.run();
    expect(sender.unsettled).toBe(0);
    expect(new Set(outbox.outcomes.map(({ token }) => token)).size).toBe(outbox.outcomes.length);
  });

  it('2.6.12 a sender of mode second that never settles is stopped by its window', () => {
    const server = new Recorder((link) => {
      link.accept({ rcvSettleMode: 1 });
      (link as ReceiverLink).handler = new Inbox((receiver, id) => receiver.dispose(id, AMQP_OUTCOME.accepted, false));
      (link as ReceiverLink).setCredit(1_000_000);
    });
    const peer = new RawPeer(server, { incomingWindow: 1_000 });
    peer.open().begin().attach(0, true, { rcv: 1 }).seen();
    let sent = 0;
    for (; sent < 30_000 && server.errors.length === 0; sent++)
      peer.say('transfer', [uint(0), uint(sent), Buffer.from('t'), uint(0)]);
    // It went on past the window that was not opened any more.
    expect(server.errors.map(({ condition }) => condition)).toEqual([CONDITION.window]);
    expect(sent).toBeLessThan(18_000);
  });
});
