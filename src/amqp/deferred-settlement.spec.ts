import { described } from './codec/delivery-states';
import { AMQP_OUTCOME } from './constants';
import { Outbox, Recorder } from './pair.fixture';
import { RawPeer, uint } from './raw-peer.fixture';
import type { SenderLink } from './sender-link';

class Telling extends Outbox {
  constructor(private readonly tell: (sender: SenderLink, id: number) => void) {
    super();
  }

  override onOutcome(...args: Parameters<Outbox['onOutcome']>): void {
    super.onOutcome(...args);
    this.tell(args[0], args[1]);
  }
}

/** A peer that receives on a link whose settlement the application says. */
function consumer(onOutcome: (sender: SenderLink, id: number) => void = () => undefined, unsettledMax = 1_000) {
  const ids: number[] = [];
  const outbox = new Telling((link, id) => {
    ids.push(id);
    onOutcome(link, id);
  });
  const server = new Recorder((link) => {
    const sender = link as SenderLink;
    sender.handler = outbox;
    sender.settlesLater = true;
    sender.accept();
  });
  const peer = new RawPeer(server, { unsettledMax });
  peer.open().begin().attach(0, false, { rcv: 1 });
  peer.say('flow', [uint(0), uint(1_000), uint(0), uint(1_000), uint(0), uint(0), uint(500)]).seen();
  const sender = server.links[0] as SenderLink;
  const send = (count: number): void => {
    for (let token = 0; token < count && sender.canSend(); token++)
      sender.send(Buffer.from('x'), 0, 1, token, false, 0);
    peer.turn().seen();
  };
  const tell = (first: number, last: number, settled = false, code = 0x24): RawPeer =>
    peer.say('disposition', [true, uint(first), uint(last), settled, described(code, [])]);
  return { peer, sender, outbox, server, send, tell, ids };
}

const settlements = (peer: RawPeer): unknown[] =>
  peer.seen().map(({ name, fields }) => [name, ...fields.slice(1, 4).map((field) => JSON.stringify(field))]);

function range(first: number, last: number): unknown[] {
  const value = (of: number): string => JSON.stringify(uint(of));
  return ['disposition', value(first), value(last), 'true'];
}

describe('2.6.12 settlement when an outcome is in force', () => {
  it('is told when the application says so, in ranges', () => {
    const { peer, sender, send, tell, outbox } = consumer();
    send(5);
    expect(settlements(tell(0, 4))).toEqual([]);
    expect(outbox.outcomes.map(({ token }) => token)).toEqual([0, 1, 2, 3, 4]);
    for (const id of [0, 1, 2]) sender.settle(id);
    peer.turn();
    expect(settlements(peer)).toEqual([range(0, 2)]);
    expect(sender.unsettled).toBe(2);
    for (const id of [3, 4]) sender.settle(id);
    peer.turn();
    expect(settlements(peer)).toEqual([range(3, 4)]);
    expect(sender.unsettled).toBe(0);
  });

  it('may be told within the outcome', () => {
    const { peer, sender, send, tell } = consumer((link, id) => link.settle(id));
    send(3);
    tell(0, 2);
    expect(settlements(peer)).toEqual([range(0, 2)]);
    expect([sender.unsettled, peer.connection.outbound.unsettled]).toEqual([0, 0]);
  });

  it('tells an outcome once, however often the peer says one', () => {
    const { peer, sender, send, tell, outbox } = consumer();
    send(1);
    tell(0, 0);
    tell(0, 0, false, 0x26);
    expect(outbox.outcomes).toEqual([{ token: 0, outcome: AMQP_OUTCOME.accepted, detail: null }]);
    // It loses its patience: there is nothing left to settle.
    tell(0, 0, true);
    expect(outbox.outcomes).toHaveLength(1);
    expect([sender.unsettled, peer.connection.outbound.unsettled]).toEqual([0, 0]);
    sender.settle(0);
    peer.turn();
    expect(settlements(peer)).toEqual([]);
  });

  it('is not waited for where the peer has settled', () => {
    const { peer, sender, send, tell } = consumer();
    send(2);
    tell(0, 1, true);
    expect([settlements(peer), sender.unsettled]).toEqual([[], 0]);
  });

  it('counts as unsettled until then: what waits for it is bounded', () => {
    const { peer, sender, send, tell, outbox, ids } = consumer(undefined, 10);
    send(50);
    expect(sender.unsettled).toBe(10);
    tell(0, 9);
    send(50);
    expect([sender.canSend(), outbox.outcomes.length]).toEqual([false, 10]);
    const before = outbox.writable;
    for (const id of ids) sender.settle(id);
    peer.turn();
    expect([sender.canSend(), outbox.writable]).toEqual([true, before + 1]);
  });

  it('leaves nothing behind when the link, the session or the connection goes', () => {
    for (const end of ['detach', 'end', 'close'] as const) {
      const { peer, sender, send, tell } = consumer();
      send(4);
      tell(0, 2);
      peer.say(end, end === 'detach' ? [uint(0), true] : []);
      expect([end, peer.connection.outbound.unsettled]).toEqual([end, 0]);
      sender.settle(0);
    }
  });

  it('a link that attaches anew by a freed handle begins with nothing unsettled', () => {
    const { peer, server, send, tell } = consumer();
    send(2);
    tell(0, 1);
    peer.say('detach', [uint(0), true]).attach(0, false, { name: 'again', rcv: 1 });
    const again = server.links[1] as SenderLink;
    expect([again.handle, again.unsettled]).toEqual([0, 0]);
    again.settle(0);
    expect(settlements(peer.turn()).filter((frame) => (frame as string[])[0] === 'disposition')).toEqual([]);
  });
});
