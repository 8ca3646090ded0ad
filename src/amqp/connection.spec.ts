import type { Attach } from './codec/types';
import type { AttachOptions, Link } from './link';
import { AMQP_OUTCOME, CONDITION } from './constants';
import { Inbox, Outbox, Pair, Recorder } from './pair.fixture';
import { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';
import { anonymousClient, anonymousServer, plainClient, plainServer } from './sasl/mechanisms';
import { ClientNegotiation, ServerNegotiation } from './sasl/negotiation';
import type { ConnectionOptions } from './connection';

interface Setup {
  readonly pair: Pair;
  readonly sender: SenderLink;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly server: Recorder;
  receiver(): ReceiverLink;
}

function setUp(
  options: {
    readonly client?: Partial<ConnectionOptions>;
    readonly server?: Partial<ConnectionOptions>;
    readonly attach?: AttachOptions;
    readonly accept?: AttachOptions;
    readonly credit?: number;
    readonly chunkBytes?: number;
    readonly onDelivery?: (link: ReceiverLink, id: number) => void;
  } = {},
): Setup {
  const inbox = new Inbox(options.onDelivery);
  const server = new Recorder((link: Link) => {
    link.accept(options.accept);
    if (link instanceof ReceiverLink) {
      link.handler = inbox;
      link.addCredit(options.credit ?? 100);
    }
  });
  const pair = new Pair(new Recorder(), server, options.client, options.server, options.chunkBytes);
  pair.run();
  const outbox = new Outbox();
  const session = pair.client.begin();
  const sender = session.attachSender('s', options.attach ?? {});
  sender.handler = outbox;
  pair.run();
  return { pair, sender, outbox, inbox, server, receiver: () => server.links[0] as ReceiverLink };
}

function body(bytes: number, fill = 1): Buffer {
  return Buffer.alloc(bytes, fill);
}

function send(sender: SenderLink, payload: Buffer, token = 0, settled = false): number {
  return sender.send(payload, 0, payload.length, token, settled, 0);
}

/** Makes this end break its promise. */
function forgetLimit(sender: SenderLink): void {
  sender.remote = { ...(sender.remote as Attach), maxMessageSize: null };
}

describe('Connection', () => {
  it.each([1, 7, 65_536])('carries deliveries of every size over chunks of %d bytes', (chunkBytes) => {
    const { pair, sender, inbox } = setUp({ chunkBytes, server: { frameBytesMax: 512 } });
    const sizes = [0, 1, 100, 439, 440, 441, 2_000, 50_000];
    sizes.forEach((size, n) => {
      pair.run();
      expect(sender.canSend()).toBe(true);
      send(sender, body(size, n));
    });
    pair.run();
    expect(inbox.deliveries.map(({ body }) => body.length)).toEqual(sizes);
    inbox.deliveries.forEach((delivery, n) => expect(delivery.body.equals(body(sizes[n] as number, n))).toBe(true));
  });

  it('keeps credit that a receiver gave before its attach was answered, as proton does', () => {
    const links: Link[] = [];
    const pair = new Pair(new Recorder(), new Recorder((link) => links.push(link)));
    pair.run();
    const receiver = pair.client.begin().attachReceiver('r', {});
    pair.run();
    const { handle } = receiver;
    receiver.session.writeFlow({ handle, deliveryCount: 0, credit: 5, available: 0, drain: false, echo: false });
    pair.run();
    const [sender] = links as [SenderLink];
    expect(sender.canSend()).toBe(false);
    sender.accept();
    expect([sender.canSend(), sender.credit]).toEqual([true, 5]);
  });

  it('tells outcomes as ranges, whatever their order', () => {
    const ids: number[] = [];
    const { pair, sender, outbox, receiver } = setUp({ onDelivery: (_link, id) => ids.push(id) });
    for (let n = 0; n < 50; n++) send(sender, body(10), n);
    pair.run();
    const before = pair.server.bytesOut;
    for (const id of [...ids].reverse()) receiver().dispose(id, AMQP_OUTCOME.accepted, true);
    pair.run();
    expect(pair.server.bytesOut - before).toBeLessThan(40);
    expect(outbox.outcomes.map(({ token }) => token)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(sender.unsettled).toBe(0);
  });

  it('carries outcomes with fields', () => {
    const { pair, sender, outbox } = setUp({
      onDelivery: (link, id) =>
        link.dispose(id, AMQP_OUTCOME.rejected, true, {
          type: 'rejected',
          error: { condition: 'app:bad', description: 'no' },
        }),
    });
    send(sender, body(1), 7);
    pair.run();
    expect(outbox.outcomes).toEqual([
      {
        token: 7,
        outcome: AMQP_OUTCOME.rejected,
        detail: { type: 'rejected', error: { condition: 'app:bad', description: 'no' } },
      },
    ]);
  });

  it('settles second when the receiver only tells the outcome', () => {
    const { pair, sender, outbox, inbox } = setUp({
      attach: { rcvSettleMode: 1 },
      onDelivery: (link, id) => link.dispose(id, AMQP_OUTCOME.accepted, false),
    });
    send(sender, body(1), 3);
    pair.run();
    expect(outbox.outcomes).toHaveLength(1);
    expect(inbox.settledByPeer).toEqual([0]);
  });

  it('sends no more than the credit, and tells when there is more', () => {
    const { pair, sender, outbox, receiver, inbox } = setUp({ credit: 2 });
    send(sender, body(1));
    send(sender, body(1));
    expect(sender.canSend()).toBe(false);
    pair.run();
    receiver().addCredit(1);
    pair.run();
    expect(outbox.writable).toBe(1);
    expect(sender.canSend()).toBe(true);
    expect(inbox.deliveries).toHaveLength(2);
  });

  it('detaches a link whose peer sends without credit', () => {
    const { pair, sender, outbox } = setUp({ credit: 1 });
    send(sender, body(1));
    send(sender, body(1));
    pair.run();
    expect(outbox.detached?.condition).toBe(CONDITION.transferLimit);
    expect(pair.client.opened).toBe(true);
  });

  it('tells credit that was given before the session had begun', () => {
    const server = new Recorder();
    const pair = new Pair(new Recorder(), server);
    pair.run();
    pair.client.begin().attachReceiver('r', {}).setCredit(7);
    pair.run();
    expect((server.links[0] as SenderLink).credit).toBe(7);
  });

  it('drains: unused credit goes back', () => {
    const { pair, sender, receiver, outbox } = setUp({ credit: 10 });
    send(sender, body(1));
    receiver().drain();
    pair.run();
    expect(outbox.drains).toBe(1);
    sender.drained();
    pair.run();
    expect(receiver().credit).toBe(0);
    expect(sender.credit).toBe(0);
    receiver().addCredit(1);
    pair.run();
    expect(sender.canSend()).toBe(true);
  });

  it('goes on over a small session window', () => {
    const { pair, sender, inbox } = setUp({ server: { incomingWindow: 4, frameBytesMax: 512 } });
    send(sender, body(100_000, 9));
    pair.run();
    expect(inbox.deliveries[0]?.body.equals(body(100_000, 9))).toBe(true);
  });

  it('tells its window after so many bytes, or half of its frames', () => {
    const told = (bytes: number, messages: number): number[] => {
      const { pair, sender } = setUp({ server: { incomingWindow: 16, windowBytes: 1_000 } });
      const windows: number[] = [];
      sender.session.handler = { onWindow: (_session, received) => void windows.push(received) };
      for (let n = 0; n < messages; n++) {
        send(sender, body(bytes), n, true);
        pair.run();
      }
      return windows;
    };
    expect([told(300, 10), told(10, 17), told(2_000, 3)]).toEqual([
      [4, 8],
      [8, 16],
      [1, 2, 3],
    ]);
  });

  it('aborts a delivery', () => {
    const { pair, sender, inbox } = setUp();
    sender.sendBegin(0, false, 0);
    sender.sendPart(body(100), 0, 100);
    pair.run();
    sender.sendAbort();
    send(sender, body(3));
    pair.run();
    expect(inbox.aborted).toBe(1);
    expect(inbox.deliveries.map(({ body }) => body.length)).toEqual([3]);
  });

  it('refuses messages past max-message-size and nothing else', () => {
    const { pair, sender, outbox } = setUp({ accept: { maxMessageSize: 1_000 } });
    expect(() => send(sender, body(1_001))).toThrow('more than 1000 bytes');
    forgetLimit(sender);
    send(sender, body(1_001));
    pair.run();
    expect(outbox.detached?.condition).toBe(CONDITION.messageSize);
    expect(pair.client.opened).toBe(true);
  });

  it('uses handles and channels again', () => {
    const { pair, sender } = setUp();
    sender.detach();
    pair.run();
    const again = sender.session.attachSender('t', {});
    expect(again.handle).toBe(sender.handle);
    sender.session.end();
    pair.run();
    expect(pair.client.begin().channel).toBe(sender.session.channel);
  });

  it('detaches the former link of a stolen name', () => {
    const { pair, sender, outbox } = setUp();
    const second = pair.client.begin();
    const thief = second.attachSender('s', {});
    pair.run();
    expect(outbox.detached?.condition).toBe(CONDITION.stolen);
    expect(outbox.closedByPeer).toBe(false);
    expect(sender.state).toBe('detached');
    expect(thief.state).toBe('attached');
  });

  it('refuses a link with an attach and a detach', () => {
    const outbox = new Outbox();
    const refusing = new Recorder((link) => link.refuse({ condition: CONDITION.notFound, description: 'nothing' }));
    const pair = new Pair(new Recorder(), refusing);
    pair.run();
    const link = pair.client.begin().attachSender('x', {});
    link.handler = outbox;
    pair.run();
    expect(outbox.detached).toEqual({ condition: CONDITION.notFound, description: 'nothing' });
  });

  it('sends heart-beats as often as the peer asks and ends a silent peer', () => {
    const { pair } = setUp({ server: { idleTimeOutMs: 1_000 }, client: { idleTimeOutMs: 1_000 } });
    const before = pair.client.bytesOut;
    pair.clientEnd.time = 300;
    pair.client.tick();
    expect(pair.client.bytesOut).toBe(before + 8);
    pair.serverEnd.inbox.length = 0;
    pair.serverEnd.time = 1_001;
    // The first look comes late: the sockets are read before it is believed.
    pair.server.tick();
    pair.server.tick();
    pair.run();
    expect(pair.server.closed).toBe(true);
  });

  it('gives up a handshake that takes too long', () => {
    const server = new Recorder();
    const pair = new Pair(new Recorder(), server);
    pair.serverEnd.time = 5_001;
    pair.server.tick();
    expect(server.errors[0]?.description).toContain('handshake');
  });
});

describe('SASL', () => {
  function sasl(client: ReturnType<typeof plainClient>, required = true): { pair: Pair; client: Recorder } {
    const check = (user: string, password: string, done: (granted: boolean) => void): void =>
      done(user === 'u' && password === 'p');
    const recorder = new Recorder();
    const mechanisms = [anonymousServer(), plainServer(check)];
    const pair = new Pair(
      recorder,
      new Recorder(),
      { sasl: new ClientNegotiation(client, null) },
      { sasl: new ServerNegotiation(mechanisms, required) },
    );
    pair.run();
    return { pair, client: recorder };
  }

  it('lets anonymous and password users in', () => {
    expect(sasl(anonymousClient()).pair.server.user).toBe('anonymous');
    const { pair } = sasl(plainClient('u', 'p'));
    expect(pair.server.user).toBe('u');
    expect(pair.client.opened).toBe(true);
  });

  it('refuses a wrong password and ends the connection', () => {
    const { pair, client } = sasl(plainClient('u', 'x'));
    expect(pair.client.closed).toBe(true);
    expect(client.errors[0]?.condition).toBe(CONDITION.unauthorized);
  });

  it('refuses plain AMQP where SASL is required', () => {
    const server = new Recorder();
    const pair = new Pair(new Recorder(), server, {}, { sasl: new ServerNegotiation([anonymousServer()], true) });
    pair.run();
    expect(server.errors[0]?.condition).toBe(CONDITION.framing);
    expect(pair.server.closed).toBe(true);
  });
});
