import type { AmqpTyped } from './codec/values';
import { CONDITION } from './constants';
import { Recorder } from './pair.fixture';
import { bytes, receivingPeer, sendingPeer } from './raw-peer-links.fixture';
import { frame, performative, RawPeer, uint, ushort } from './raw-peer.fixture';
import type { ReceiverLink } from './receiver-link';

describe('connections', () => {
  it('2.4.1 tells its bounds, and keeps the smaller of both for channels', () => {
    const peer = new RawPeer(new Recorder(), { frameBytesMax: 4_096, channelMax: 7, idleTimeOutMs: 10_000 });
    peer.open(null, uint(1_000), ushort(1));
    const [open] = peer.seen();
    const numbers = open?.fields.slice(2, 5).map((field) => (field as AmqpTyped).value);
    expect(numbers).toEqual([4_096, 7, 5_000]);
    expect([peer.connection.begin().channel, peer.connection.begin().channel]).toEqual([0, 1]);
    expect(() => peer.connection.begin()).toThrow('allows 2 sessions');
  });

  it('2.4.1 writes no frame longer than the peer takes', () => {
    const { peer, sender } = receivingPeer(10);
    sender.send(bytes(3_000), 0, 3_000, 0, false, 0);
    const seen = peer.turn().seen();
    expect(Buffer.concat(seen.map(({ payload }) => payload)).length).toBe(3_000);
    for (const { fields, payload } of seen)
      expect(frame(0, performative('transfer', fields, payload)).length).toBeLessThanOrEqual(512);
  });

  it('2.4.1 leaves out of an attach or an error what does not fit the peer, rather than breaking its bound', () => {
    const server = new Recorder((link) =>
      link.refuse({ condition: CONDITION.notFound, description: 'x'.repeat(3_000) }),
    );
    const peer = new RawPeer(server);
    peer.open(null, uint(512)).begin().attach(0, true);
    expect(peer.conditionOf('detach')).toBe(CONDITION.notFound);
    const long = new RawPeer(new Recorder());
    long
      .open(null, uint(512))
      .begin()
      .attach(0, true, { name: 'n'.repeat(600) });
    expect(long.conditionOf('end')).toBe(CONDITION.frameTooSmall);
  });

  it('2.4.3 answers a close, tells everybody and ends the socket', () => {
    const { peer, server, inbox } = sendingPeer(1);
    peer.seen();
    expect(peer.say('close', []).names()).toEqual(['close']);
    expect([peer.ended, inbox.detached]).toEqual([true, null]);
    peer.connection.transportClosed('gone');
    expect(server.closed).toBeNull();
  });

  it('2.4.5 ends a peer that is silent for its time, and only it', () => {
    const server = new Recorder();
    const peer = new RawPeer(server, { idleTimeOutMs: 1_000 });
    peer.open();
    for (peer.time = 100; peer.time < 5_000; peer.time += 400) {
      peer.send(frame(0, Buffer.alloc(0)));
      peer.connection.tick();
    }
    expect(server.errors).toEqual([]);
    peer.time += 1_000;
    peer.connection.tick();
    peer.connection.tick();
    expect(peer.conditionOf('close')).toBe(CONDITION.limit);
    expect(server.errors[0]?.description).toBe('nothing heard for 1000 ms');
  });

  it('2.4.5 a stalled loop looks at its sockets before it believes that a peer is silent', () => {
    const server = new Recorder();
    const peer = new RawPeer(server, { idleTimeOutMs: 1_000 });
    peer.open();
    peer.time = 20_000;
    peer.connection.tick();
    peer.send(frame(0, Buffer.alloc(0)));
    peer.connection.tick();
    expect(server.errors).toEqual([]);
  });

  it('2.4.5 is heard as often as the peer wants', () => {
    const peer = new RawPeer(new Recorder());
    peer.open(null, null, null, uint(1_000));
    let beats = 0;
    let before = peer.connection.bytesOut;
    for (peer.time = 0; peer.time < 10_000; peer.time += 50) {
      peer.connection.tick();
      if (peer.connection.bytesOut > before) beats++;
      before = peer.connection.bytesOut;
    }
    expect(beats).toBeGreaterThanOrEqual(10);
  });

  it('2.4 ends a handshake that takes too long, at any of its stages', () => {
    for (const stage of [0, 4, 8, 12]) {
      const server = new Recorder();
      const peer = new RawPeer(server, { handshakeMs: 5_000 });
      const all = Buffer.concat([Buffer.from('AMQP\x00\x01\x00\x00', 'latin1'), frame(0, performative('open', ['p']))]);
      peer.send(all.subarray(0, stage));
      peer.time = 5_000;
      peer.connection.tick();
      expect(server.errors.map(({ condition }) => condition)).toEqual([CONDITION.limit]);
      expect(peer.ended).toBe(true);
    }
  });
});

describe('sessions', () => {
  it('2.5.6 sends no further than the window of the peer, and goes on from where it says it is', () => {
    const { peer, sender, flow } = receivingPeer(100, {}, 3);
    for (let token = 0; sender.canSend(); token++) sender.send(bytes(1), 0, 1, token, true, 0);
    expect(peer.turn().names()).toHaveLength(3);
    // One of three was taken: the window of 3 reaches one further.
    flow({ next: 1, count: 3 });
    for (let token = 0; sender.canSend(); token++) sender.send(bytes(1), 0, 1, token, true, 0);
    expect(peer.turn().names()).toHaveLength(1);
  });

  it('2.5.6 an incoming window is opened again as it is used', () => {
    const { peer, inbox } = sendingPeer(1_000, { incomingWindow: 10 });
    for (let id = 0; id < 100; id++) peer.transfer(0, id);
    expect(inbox.deliveries).toHaveLength(100);
    const windows = peer.seen().filter(({ name }) => name === 'flow');
    expect(windows.length).toBeGreaterThanOrEqual(10);
  });

  it('2.5.6 links that hold the window keep it shut until all have let it go', () => {
    const { peer, server, receiver } = sendingPeer(1_000, { incomingWindow: 4 });
    peer.attach(1, true).seen();
    const second = server.links[1] as ReceiverLink;
    receiver.hold(true);
    second.hold(true);
    for (let id = 0; id < 4; id++) peer.transfer(0, id);
    expect(peer.names()).toEqual([]);
    receiver.hold(false);
    expect(peer.turn().names()).toEqual([]);
    second.hold(false);
    expect(peer.turn().names()).toEqual(['flow']);
    receiver.hold(true);
    receiver.detach();
    for (let id = 4; id < 8; id++) peer.transfer(1, id);
    expect(peer.names()).toContain('flow');
  });

  it('2.5.4 answers an end and uses the channel again', () => {
    const { peer, server } = sendingPeer(1);
    peer.seen();
    expect(peer.say('end', []).names()).toEqual(['end']);
    expect(peer.begin().names()).toEqual(['begin']);
    expect(server.sessions.map(({ channel }) => channel)).toEqual([0, 0]);
  });

  it('2.7.2 takes no handle over the handle-max of the peer', () => {
    const server = new Recorder();
    const peer = new RawPeer(server);
    peer.open().begin(0, 100, 0);
    const session = server.sessions[0];
    session?.attachSender('one', {});
    expect(() => session?.attachSender('two', {})).toThrow('no handle left');
  });
});
