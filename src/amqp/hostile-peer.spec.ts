import { AmqpMap, sym, type AmqpValue } from './codec/values';
import { CONDITION } from './constants';
import { Recorder } from './pair.fixture';
import { attached, expectClosed, expectDetached, expectEnded, last, start } from './hostile-peer.fixture';
import { frame, performative, RawPeer, uint, ubyte } from './raw-peer.fixture';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

describe('a peer that breaks the protocol', () => {
  describe('loses the session', () => {
    it('2.5.6 transfers into a shut window', () => {
      const hostile = attached({ incomingWindow: 2 }, 100);
      // In one chunk: no turn comes in between in which the window is opened again.
      const frames = [0, 1, 2].map((id) =>
        frame(0, performative('transfer', [uint(0), uint(id), Buffer.from([id]), uint(0)])),
      );
      hostile.peer.send(Buffer.concat(frames));
      expectEnded(hostile, CONDITION.window);
    });

    it('2.6.2 a transfer, flow or detach on an unknown handle', () => {
      for (const bytes of [
        performative('transfer', [uint(7), uint(0), Buffer.from('t'), uint(0)]),
        performative('flow', [uint(0), uint(1), uint(0), uint(1), uint(7)]),
        performative('detach', [uint(7)]),
      ]) {
        const hostile = attached();
        hostile.peer.send(frame(0, bytes));
        expectEnded(hostile, CONDITION.unattachedHandle);
      }
    });

    it('2.6.2 attaches on a handle that is in use', () => {
      const hostile = attached();
      hostile.peer.attach(0, true, { name: 'other' });
      expectEnded(hostile, CONDITION.handleInUse);
    });

    it('2.7.5 transfers where it receives', () => {
      const hostile = attached();
      hostile.peer.transfer(1, 0);
      expectEnded(hostile, CONDITION.notAllowed);
    });

    it.each([
      ['jumps ahead', 5],
      ['comes twice', 0],
      ['goes back', 0xffff_fff0],
    ])('2.6.12 a delivery-id that %s', (_what, id) => {
      const hostile = attached();
      hostile.peer.transfer(0, 0).seen();
      hostile.peer.say('transfer', [uint(0), uint(id), Buffer.from('t'), uint(0)]);
      expectEnded(hostile, CONDITION.invalidField);
    });

    it('2.6.14 another delivery within one that is not finished', () => {
      const hostile = attached();
      hostile.peer.transfer(0, 0, Buffer.from('x'), [false, true]).transfer(0, 1);
      expectEnded(hostile, CONDITION.invalidField);
    });

    it('2.7.5 a first transfer without delivery-id, and a tag of more than 32 bytes', () => {
      const without = attached();
      without.peer.transfer(0, null);
      expectEnded(without, CONDITION.invalidField);
      const long = attached();
      long.peer.say('transfer', [uint(0), uint(0), Buffer.alloc(33), uint(0)]);
      expectEnded(long, CONDITION.invalidField);
    });

    it('2.7.4 flow for frames that were never sent, 2.7.6 a range that ends before it begins', () => {
      const flow = attached();
      flow.peer.say('flow', [uint(50), uint(1), uint(0), uint(1)]);
      expectEnded(flow, CONDITION.invalidField);
      const range = attached();
      range.peer.say('disposition', [true, uint(5), uint(3), true]);
      expectEnded(range, CONDITION.invalidField);
    });

    it('and everything it still sends on it is discarded until it has ended it too', () => {
      const hostile = attached();
      hostile.peer.say('detach', [uint(7)]).seen();
      hostile.peer
        .transfer(0, 0)
        .attach(5, true)
        .say('detach', [uint(9)]);
      expect(hostile.peer.names()).toEqual([]);
      expect(hostile.server.errors).toHaveLength(1);
      hostile.peer.say('end', []);
      expect(hostile.peer.begin().names()).toEqual(['begin']);
    });
  });

  describe('loses the link', () => {
    it('2.6.7 transfers without credit', () => {
      const hostile = attached({}, 2);
      hostile.peer.transfer(0, 0).transfer(0, 1).seen();
      hostile.peer.transfer(0, 2);
      expectDetached(hostile, CONDITION.transferLimit);
    });

    it('2.6.7 transfers before its attach is answered', () => {
      const server = new Recorder(() => undefined);
      const peer = new RawPeer(server);
      peer.open().begin().attach(0, true).seen();
      const names = peer.transfer(0, 0).names();
      expect(names).toEqual(['attach', 'detach']);
      expect(last(server).condition).toBe(CONDITION.transferLimit);
    });

    it('2.7.3 a message over max-message-size, in one frame or in many', () => {
      const one = attached();
      one.peer.transfer(0, 0, Buffer.alloc(1_001));
      expectDetached(one, CONDITION.messageSize);
      const many = attached();
      many.peer.transfer(0, 0, Buffer.alloc(600), [false, true]).transfer(0, null, Buffer.alloc(600), [false, true]);
      expectDetached(many, CONDITION.messageSize);
    });

    it('2.7.5 rcv-settle-mode second on a link of mode first', () => {
      const hostile = attached();
      hostile.peer.transfer(0, 0, Buffer.from('x'), [false, false, ubyte(1)]);
      expectDetached(hostile, CONDITION.invalidField);
    });
  });

  it('2.6.1 more links than a connection may have: refused one by one, then the session ends', () => {
    const { peer, server } = start({ linksMax: 3 });
    peer.open().begin().seen();
    for (let n = 0; n < 3; n++) peer.attach(n, true);
    expect(peer.names().filter((name) => name === 'detach')).toEqual([]);
    peer.attach(3, true);
    expect(peer.conditionOf('detach')).toBe(CONDITION.limit);
    peer
      .say('detach', [uint(3), true])
      .say('detach', [uint(0), true])
      .seen();
    expect(peer.attach(4, true).names()).toEqual(['attach', 'flow']);
    for (let n = 0; n < 1_030; n++) peer.attach(10 + n, true, { name: `more-${n}` });
    expect(peer.conditionOf('end')).toBe(CONDITION.limit);
    expect(last(server).scope).toBe('session');
  });

  it('does not remember maps of an attach for the life of the link', () => {
    const { peer, server } = start();
    peer.open().begin();
    const map = new AmqpMap([[sym('k'), 'v']]);
    peer.attach(0, true, { fields: [null, null, null, map] });
    expect([server.links[0]?.remote?.properties, server.links[0]?.remote?.unsettled]).toEqual([null, null]);
  });

  it('a frame of more elements than a performative can need is refused', () => {
    const hostile = attached();
    const properties = new AmqpMap([[sym('k'), Array<AmqpValue>(9_000).fill(null)]]);
    hostile.peer.attach(5, true, { fields: [null, null, null, properties] });
    expectClosed(hostile, CONDITION.decode);
  });

  it('a peer that asks and does not read is not read either, and goes on when it does', () => {
    const { peer } = attached({ outboundBytesMax: 10_000 });
    peer.reads = false;
    const echo = frame(
      0,
      performative('flow', [uint(0), uint(1), uint(0), uint(1), null, null, null, null, null, true]),
    );
    const many = Buffer.concat(Array<Buffer>(1_000).fill(echo));
    let chunks = 0;
    while (!peer.paused && chunks < 1_000) {
      peer.send(many);
      chunks++;
    }
    expect(peer.paused).toBe(true);
    expect(peer.connection.unsentBytes).toBeLessThan(2 * 1024 * 1024);
    peer.reads = true;
    peer.connection.written();
    expect(peer.paused).toBe(false);
  });
});
