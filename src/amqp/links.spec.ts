import { AmqpTyped } from './codec/values';
import { AMQP_OUTCOME, CONDITION } from './constants';
import { Outbox, Pair, Recorder } from './pair.fixture';
import { bytes, receivingPeer, sendingPeer } from './raw-peer-links.fixture';
import { RawPeer, uint } from './raw-peer.fixture';
import type { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';

describe('links', () => {
  it('2.6.3 refuses with an attach without terminus and a closing detach; handles are used again', () => {
    const server = new Recorder((link) => link.refuse({ condition: CONDITION.notFound, description: 'nothing here' }));
    const peer = new RawPeer(server);
    peer.open().begin().seen();
    for (const sends of [true, false]) {
      const seen = peer.attach(0, sends).seen();
      expect(seen.map(({ name }) => name)).toEqual(['attach', 'detach']);
      expect(seen[0]?.fields[sends ? 6 : 5] ?? null).toBeNull();
      expect((seen[1]?.fields[0] as AmqpTyped).value).toBe(0);
      peer.say('detach', [uint(0), true]);
    }
  });

  it('2.6.4 attaches again by a known name: nothing is unsettled, what is resumed is ignored', () => {
    const { peer, inbox, receiver } = sendingPeer(5);
    peer.transfer(0, 0).seen();
    expect(peer.say('detach', [uint(0), false]).names()).toEqual(['detach']);
    const [attach] = peer.attach(0, true, { name: receiver.name }).seen();
    expect(attach?.fields[7] ?? null).toBeNull();
    peer.transfer(0, 1, bytes(3), [false, false, null, null, true]).transfer(0, 2, bytes(4));
    expect(inbox.deliveries.map(({ body }) => body.length)).toEqual([1, 4]);
  });

  it('2.6.1 a name that is stolen: the former link hears of it, the thief is served', () => {
    const { peer, server, inbox } = sendingPeer(5);
    peer.begin(1).seen();
    const seen = peer.say('attach', ['link-0', uint(0), false, null, null, null, null, null, null, uint(0)], 1).seen();
    expect(peer.conditionOf('detach', seen)).toBe(CONDITION.stolen);
    expect(seen.find(({ name }) => name === 'detach')?.fields[1]).toBe(false);
    expect(inbox.detached?.condition).toBe(CONDITION.stolen);
    expect(server.links.map(({ state }) => state)).toEqual(['detaching', 'attached']);
    // The same name in the other direction is another link's.
    expect(peer.say('attach', ['link-0', uint(1), true], 1).names()).not.toContain('detach');
  });

  it('2.6.3 a receiver without a source asks what there is by its name, and takes it from nobody', () => {
    const { peer, server } = receivingPeer(5);
    peer.begin(1).seen();
    const name = server.links[0]?.name ?? '';
    const seen = peer.say('attach', [name, uint(0), true], 1).names();
    expect(seen).toEqual(['attach']);
    expect(server.links.map(({ state }) => state)).toEqual(['attached', 'attached']);
    peer.say('detach', [uint(0), true], 1);
    // The name is still the first one's: who takes it now takes it from that.
    expect(peer.conditionOf('detach', peer.attach(1, false, { name }).seen())).toBe(CONDITION.stolen);
  });

  it('2.6.5 a peer that closes a link is answered by the application where it has to end something first', () => {
    const { peer, server, outbox, sender } = receivingPeer(5);
    sender.closesLater = true;
    expect(peer.say('detach', [uint(0), true]).names()).toEqual([]);
    expect([sender.state, outbox.closedByPeer, peer.connection.linkCount]).toEqual(['closing', true, 1]);
    sender.detach();
    // Its handle is the peer's again at once, and this end's when it is answered.
    peer.attach(0, false, { name: 'next' }).seen();
    expect(server.links.map(({ handle }) => handle)).toEqual([0, 1]);
    sender.closed({ condition: CONDITION.notAllowed });
    sender.closed(null);
    const seen = peer.turn().seen();
    expect(seen.map(({ name }) => name)).toEqual(['detach']);
    expect(peer.conditionOf('detach', seen)).toBe(CONDITION.notAllowed);
    expect([sender.state, peer.connection.linkCount]).toEqual(['detached', 1]);
  });

  it('a link that is to be closed later is detached at once where its peer only detaches', () => {
    const { peer, sender } = receivingPeer(5);
    sender.closesLater = true;
    expect(peer.say('detach', [uint(0), false]).names()).toEqual(['detach']);
    expect(sender.state).toBe('detached');
  });

  it('a session that ends before a link was answered ends the link, which was told', () => {
    const { peer, outbox, sender } = receivingPeer(5);
    sender.closesLater = true;
    peer.say('detach', [uint(0), true]);
    outbox.closedByPeer = undefined;
    peer.say('end', []);
    expect([sender.state, outbox.closedByPeer, peer.connection.linkCount]).toEqual(['detached', undefined, 0]);
    sender.closed(null);
    expect(peer.names()).toEqual(['end']);
  });

  it('2.6.1 peers without a container-id do not steal from each other, nor do users', () => {
    const { names } = new Pair(new Recorder(), new Recorder()).server;
    const detached: unknown[] = [];
    const connect = (container: string): RawPeer => {
      const server = new Recorder((link) => {
        (link as ReceiverLink).handler = {
          onTransfer: () => undefined,
          onDetached: (_l, error) => detached.push(error),
        };
        link.accept();
      });
      const peer = new RawPeer(server, { names });
      peer.connection.user = container === 'shared' ? `user-${detached.length}-${Math.trunc(peer.time)}` : null;
      return peer.send(Buffer.from('AMQP\x00\x01\x00\x00', 'latin1')).say('open', [container]).begin().attach(0, true);
    };
    connect('');
    connect('');
    expect(detached).toEqual([]);
    connect('one');
    connect('one');
    expect(detached).toHaveLength(1);
  });

  it('2.6.6 a peer that detaches before it is answered gets an attach first', () => {
    const peer = new RawPeer(new Recorder(() => undefined));
    peer.open().begin().attach(0, false).seen();
    expect(peer.say('detach', [uint(0), true]).names()).toEqual(['attach', 'detach']);
  });

  it('2.6.6 is over for its application at once when this end detaches, and its handle when the peer has too', () => {
    const { peer, receiver, inbox } = sendingPeer(5);
    receiver.detach({ condition: 'app:enough' });
    expect(inbox.detached?.condition).toBe('app:enough');
    peer.turn().transfer(0, 0).seen();
    expect(inbox.deliveries).toEqual([]);
    peer.attach(1, true, { name: 'next' });
    const [attach] = peer.seen();
    expect((attach?.fields[1] as AmqpTyped).value).toBe(1);
    peer.say('detach', [uint(0), true]).attach(0, true, { name: 'third' });
    expect((peer.seen()[0]?.fields[1] as AmqpTyped).value).toBe(0);
  });

  it('2.6.7 credit counts from the delivery-count that its sender knew', () => {
    const { peer, sender, flow } = receivingPeer(3);
    for (let token = 0; token < 2; token++) sender.send(bytes(1), 0, 1, token, true, 0);
    peer.turn();
    // Said before either was seen: one of three is left.
    flow({ credit: 3, count: 0 });
    expect(sender.credit).toBe(1);
    flow({ credit: 3, count: 2, next: 2 });
    expect(sender.credit).toBe(3);
    flow({ credit: null, next: 2 });
    expect(sender.credit).toBe(3);
  });

  it('2.6.7 drain: the flow that answers it has no credit and the count behind it, once', () => {
    const { peer, sender, outbox, flow } = receivingPeer(10);
    sender.send(bytes(1), 0, 1, 0, true, 0);
    flow({ credit: 10, drain: true });
    expect(outbox.drains).toBe(1);
    peer.turn().seen();
    sender.available = 4;
    sender.drained();
    sender.drained();
    const flows = peer.turn().seen();
    expect(flows.map(({ name }) => name)).toEqual(['flow']);
    const [, , , , , count, credit, available, drain] = flows[0]?.fields ?? [];
    expect([count, credit, available].map((field) => (field as AmqpTyped).value)).toEqual([10, 0, 4]);
    expect(drain).toBe(true);
  });

  it('2.6.7 drain of a receiver: told when the sender has given the credit back; at once without credit', () => {
    const drained: ReceiverLink[] = [];
    const pair = new Pair(
      new Recorder(),
      new Recorder((link) => {
        link.accept();
        (link as SenderLink).handler = {
          ...new Outbox(),
          onWritable: () => undefined,
          onOutcome: () => undefined,
          onDetached: () => undefined,
          onCredit: (sender, drain) => void (drain && sender.drained()),
        };
      }),
    );
    pair.run();
    const receiver = pair.client.begin().attachReceiver('r', {});
    receiver.handler = {
      onTransfer: () => undefined,
      onDetached: () => undefined,
      onDrained: (link) => drained.push(link),
    };
    receiver.drain();
    expect(drained).toHaveLength(1);
    receiver.addCredit(5);
    pair.run();
    receiver.drain();
    pair.run();
    expect([drained.length, receiver.credit]).toEqual([2, 0]);
  });

  it('2.6.7 echo: the state of a link, or of the session alone', () => {
    const { peer, flow, sender } = receivingPeer(5);
    sender.available = 9;
    const [link] = flow({ echo: true }).seen();
    expect([link?.name, (link?.fields[7] as AmqpTyped).value]).toEqual(['flow', 9]);
    const session = [uint(0), uint(1_000), uint(0), uint(100), null, null, null, null, null, true];
    const [alone] = peer.say('flow', session).seen();
    expect([alone?.name, alone?.fields[4] ?? null]).toEqual(['flow', null]);
  });

  it('2.6.7 available: what the sender told, asked for with echo', () => {
    const server = new Recorder((link) => {
      (link as SenderLink).available = 17;
      link.accept();
    });
    const pair = new Pair(new Recorder(), server);
    pair.run();
    const receiver = pair.client.begin().attachReceiver('r', {});
    pair.run();
    receiver.askState();
    pair.run();
    expect(receiver.available).toBe(17);
  });

  it('2.6.7 a link without credit holds nobody else on its session up', () => {
    const outboxes = [new Outbox(), new Outbox()];
    let next = 0;
    const server = new Recorder((link) => {
      (link as SenderLink).handler = outboxes[next++] as Outbox;
      link.accept();
    });
    const peer = new RawPeer(server);
    peer.open().begin().attach(0, false).attach(1, false);
    peer.say('flow', [uint(0), uint(100), uint(0), uint(1), uint(1), uint(0), uint(5)]).seen();
    const [dry, wet] = server.links as [SenderLink, SenderLink];
    expect([dry.canSend(), wet.canSend()]).toEqual([false, true]);
    wet.send(bytes(1), 0, 1, 0, true, 0);
    expect(peer.turn().names()).toEqual(['transfer']);
  });

  it('2.6.14 deliveries of several frames, on links that take turns, each whole', () => {
    const { peer, inbox } = sendingPeer(10);
    peer.attach(1, true);
    const more = [false, true];
    peer.transfer(0, 0, bytes(10, 1), more).transfer(1, 1, bytes(20, 2), more);
    peer.transfer(0, null, bytes(10, 1), more).transfer(1, 1, bytes(20, 2)).transfer(0, 0, bytes(10, 1));
    expect(inbox.deliveries.map(({ id, body }) => [id, body.length])).toHaveLength(2);
    expect(inbox.deliveries.map(({ id }) => id)).toEqual([1, 0]);
  });

  it('2.6.14 an abort waits for the window like any frame, and the next delivery comes after it', () => {
    const { peer, sender, flow } = receivingPeer(10, {}, 1);
    sender.sendBegin(0, false, 0);
    sender.sendPart(bytes(100), 0, 100);
    sender.sendPart(bytes(100), 0, 100);
    sender.sendAbort();
    expect(peer.turn().seen()).toHaveLength(1);
    expect(sender.canSend()).toBe(false);
    const seen = flow({ next: 1, count: 1 }).seen();
    expect(seen.map(({ fields }) => fields[9])).toEqual([true]);
    flow({ next: 2, count: 1 });
    expect([sender.canSend(), sender.unsettled]).toEqual([true, 0]);
  });

  it('2.7.3 sends no message that the peer does not take: a large one is aborted where it grows too long', () => {
    const server = new Recorder((link) => link.accept());
    const peer = new RawPeer(server);
    peer
      .open()
      .begin()
      .attach(0, false, { fields: [new AmqpTyped('ulong', 150)] });
    peer.say('flow', [uint(0), uint(100), uint(0), uint(1), uint(0), uint(0), uint(5)]).seen();
    const sender = server.links[0] as SenderLink;
    expect(() => sender.send(bytes(151), 0, 151, 0, false, 0)).toThrow('more than 150 bytes');
    sender.sendBegin(0, false, 0);
    sender.sendPart(bytes(100), 0, 100);
    expect(() => sender.sendPart(bytes(51), 0, 51)).toThrow('more than 150 bytes');
    expect(peer.turn().seen().at(-1)?.fields[9]).toBe(true);
    expect([sender.credit, sender.unsettled]).toEqual([4, 0]);
  });

  it('bounds what is unsent and unsettled for one connection, and goes on when it is less', () => {
    const { peer, sender, outbox } = receivingPeer(1_000, { outboundBytesMax: 2_000, unsettledMax: 20 });
    peer.reads = false;
    let sent = 0;
    const fill = (): void => {
      for (; sender.canSend(); sent++) sender.send(bytes(100), 0, 100, sent, false, 0);
    };
    fill();
    peer.turn();
    expect([sent, peer.connection.unsentBytes < 4_000]).toEqual([sent, true]);
    expect(sent).toBeLessThanOrEqual(20);
    const before = sent;
    peer.reads = true;
    peer.connection.written();
    peer.turn();
    fill();
    expect(sent).toBe(20);
    expect(outbox.writable).toBeGreaterThanOrEqual(before < 20 ? 1 : 0);
    peer.turn().say('disposition', [true, uint(0), uint(9), true]);
    fill();
    expect(sent).toBe(30);
  });
});

describe('outcomes of links that are gone', () => {
  it('2.6.6 come too late and change nothing', () => {
    const { peer, sender, outbox } = receivingPeer(5);
    sender.send(bytes(1), 0, 1, 0, false, 0);
    peer.turn().say('detach', [uint(0), true]);
    peer.say('disposition', [true, uint(0), null, true]);
    expect([outbox.outcomes, peer.connection.outbound.unsettled]).toEqual([[], 0]);
    const { receiver } = sendingPeer(5);
    receiver.detach();
    receiver.dispose(0, AMQP_OUTCOME.accepted, true);
  });
});
