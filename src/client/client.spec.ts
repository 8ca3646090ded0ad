import { Inbox, Outbox } from '../amqp/pair.fixture';
import { AMQP_OUTCOME } from '../amqp/constants';
import type { Link } from '../amqp/link';
import type { ReceiverLink } from '../amqp/receiver-link';
import type { SenderLink } from '../amqp/sender-link';
import { encodeMessage } from '../message/encode-message';
import { textBody } from '../message/message';
import { ClientConnection } from './client-connection';
import { Peer, type PeerOptions } from './client.fixture';
import { parseClientUrl } from './client-url';
import type { Delivery } from './client-receiver';

const HELLO = encodeMessage({ body: textBody('hello') });

let peer: Peer | undefined;
let client: ClientConnection | undefined;

async function open(options: PeerOptions = {}): Promise<ClientConnection> {
  peer = await Peer.start(options);
  return (client = await ClientConnection.open(peer.url));
}

afterEach(async () => {
  await client?.close();
  await peer?.stop();
  client = peer = undefined;
});

/** A peer that takes messages and tells what `answer` says. */
function taking(credit: number, answer: (link: ReceiverLink, id: number) => void): PeerOptions {
  return {
    onLink: (link) => {
      link.accept();
      (link as ReceiverLink).handler = new Inbox(answer);
      (link as ReceiverLink).addCredit(credit);
    },
  };
}

describe('a client', () => {
  it('sends with the credit it has, and tells each outcome', async () => {
    const connection = await open(
      taking(10, (link, id) => {
        if (id % 2 === 0) link.dispose(id, AMQP_OUTCOME.accepted, true);
        else
          link.dispose(id, AMQP_OUTCOME.rejected, true, {
            type: 'rejected',
            error: { condition: 'amqp:not-allowed', description: 'no' },
          });
      }),
    );
    const sender = await connection.sender('a');
    expect(await Promise.all([sender.send(HELLO), sender.send(HELLO)])).toEqual([
      { outcome: 'accepted', detail: '' },
      { outcome: 'rejected', detail: 'amqp:not-allowed: no' },
    ]);
    expect(sender.pending).toBe(0);
  });

  it('refuses a message that is larger than the peer takes, and sends the next', async () => {
    const connection = await open({
      onLink: (link) => {
        const receiver = link as ReceiverLink;
        receiver.accept({ maxMessageSize: HELLO.length });
        receiver.handler = new Inbox((_link, id) => receiver.dispose(id, AMQP_OUTCOME.accepted, true));
        receiver.addCredit(10);
      },
    });
    const sender = await connection.sender('a');
    const large = encodeMessage({ body: textBody('hello!') });
    await expect(sender.send(large)).rejects.toMatchObject({ code: 'FL_CLIENT_TOO_LARGE' });
    expect(sender.pending).toBe(0);
    expect(await sender.send(HELLO)).toEqual({ outcome: 'accepted', detail: '' });
  });

  it('keeps what has no credit, and says of it that it was not sent', async () => {
    const links: ReceiverLink[] = [];
    const connection = await open(taking(1, (link) => void links.push(link)));
    const sender = await connection.sender('a');
    const sent = sender.send(HELLO);
    const kept = sender.send(HELLO);
    expect(sender.withoutCredit + sender.pending).toBeGreaterThanOrEqual(2);
    const outcomes = Promise.allSettled([sent, kept]);
    while (links.length === 0) await new Promise((resolve) => setImmediate(resolve));
    links[0]?.detach({ condition: 'amqp:link:detach-forced', description: 'away' });
    expect(await outcomes).toMatchObject([
      { reason: { code: 'FL_CLIENT_LOST', message: 'the link to a was lost: amqp:link:detach-forced: away' } },
      { reason: { code: 'FL_CLIENT_NOT_SENT' } },
    ]);
    await expect(sender.send(HELLO)).rejects.toMatchObject({ code: 'FL_CLIENT_NOT_SENT' });
  });

  it('receives, settles and takes no more than it was told to', async () => {
    const outbox = new Outbox();
    let sender: SenderLink | undefined;
    const connection = await open({
      onLink: (link: Link) => {
        link.accept();
        sender = link as SenderLink;
        sender.handler = outbox;
      },
    });
    const deliveries: Delivery[] = [];
    await connection.receiver({
      address: 'a',
      credit: 2,
      total: 3,
      onDelivery: (delivery) => void deliveries.push(delivery),
      onLost: () => undefined,
    });
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(() => sender?.credit === 2);
    for (let n = 0; n < 2; n++) sender?.send(HELLO, 0, HELLO.length, n, false, 0);
    await until(() => deliveries.length === 2);
    expect(deliveries[0]?.message.body).toEqual(textBody('hello'));
    deliveries[0]?.accept();
    deliveries[0]?.release();
    deliveries[1]?.reject({ condition: 'amqp:not-allowed' });
    await until(() => outbox.outcomes.length === 2 && sender?.credit === 1);
    expect(outbox.outcomes.map(({ token, outcome }) => [token, outcome])).toEqual([
      [0, AMQP_OUTCOME.accepted],
      [1, AMQP_OUTCOME.rejected],
    ]);
  });

  it('refuses a message that is none, by itself', async () => {
    const outbox = new Outbox();
    const connection = await open({
      onLink: (link: Link) => {
        link.accept();
        const sender = link as SenderLink;
        sender.handler = Object.assign(outbox, {
          onCredit: () => {
            if (outbox.writable++ === 0) sender.send(Buffer.from([0x40]), 0, 1, 5, false, 0);
          },
        });
      },
    });
    await connection.receiver({
      address: 'a',
      onDelivery: () => expect('a delivery').toBe('none'),
      onLost: () => undefined,
    });
    while (outbox.outcomes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(outbox.outcomes[0]).toMatchObject({ token: 5, detail: { error: { condition: 'amqp:decode-error' } } });
  });

  it('tells the address that the peer made for it', async () => {
    const connection = await open({
      onLink: (link) => link.accept({ source: { type: 'source', address: 'temp.7' } }),
    });
    const receiver = await connection.receiver({ address: null, onDelivery: () => undefined, onLost: () => undefined });
    expect(receiver.address).toBe('temp.7');
  });

  it('tells why a link was refused, and goes on with others', async () => {
    let refuse = true;
    const connection = await open({
      onLink: (link) =>
        refuse ? link.refuse({ condition: 'amqp:not-found', description: 'no such queue' }) : link.accept(),
    });
    await expect(connection.sender('queue/x')).rejects.toMatchObject({
      code: 'FL_CLIENT_REFUSED',
      condition: 'amqp:not-found',
      message: 'sending to queue/x was refused: amqp:not-found: no such queue',
    });
    refuse = false;
    await expect(connection.sender('a')).resolves.toMatchObject({ pending: 0 });
  });

  it('tells why the peer closed in the same breath as it opened', async () => {
    const connection = await open({
      onOpen: (end) => end.close({ condition: 'amqp:not-allowed', description: 'not here' }),
    });
    await expect(connection.sender('a')).rejects.toThrow(/amqp:not-allowed: not here$/);
  });

  it('tells that its connection was lost', async () => {
    const connection = await open();
    const lost = new Promise<Error>((resolve) => (connection.onLost = resolve));
    peer?.connections[0]?.close({ condition: 'amqp:connection:forced', description: 'shutting down' });
    expect((await lost).message).toMatch(/was lost: amqp:connection:forced: shutting down$/);
    await expect(connection.sender('a')).rejects.toThrow(/was lost: amqp:connection:forced: shutting down$/);
    await expect(connection.sender('a')).rejects.toMatchObject({ code: 'FL_CLIENT_LOST' });
  });

  it.each([
    ['a wrong password', (port: number) => `amqp://app:wrong@127.0.0.1:${port}`, 'FL_CLIENT_REFUSED'],
    ['nobody there', () => 'amqp://127.0.0.1:1', 'FL_DIAL'],
    ['TLS', () => 'amqps://127.0.0.1', 'FL_CLIENT_URL'],
  ])('tells of %s', async (_what, urlOf, code) => {
    peer = await Peer.start();
    await expect(ClientConnection.open(urlOf(peer.port))).rejects.toMatchObject({ code });
  });

  it('says a user and a password', async () => {
    peer = await Peer.start();
    client = await ClientConnection.open(`amqp://app:p%40ss@127.0.0.1:${peer.port}`);
    expect(peer.connections[0]?.user).toBe('app');
  });

  it('does not wait for ever', async () => {
    peer = await Peer.start({ onOpen: () => undefined, onLink: () => undefined });
    await expect(ClientConnection.open(peer.url, { timeoutMs: 50 })).rejects.toMatchObject({
      code: expect.stringMatching(/^FL_CLIENT_(NO_ANSWER|REFUSED)$/) as string,
    });
  });
});

describe('a URL', () => {
  it.each([
    ['amqp://host', 'host', 5672, 'ANONYMOUS'],
    ['amqp://[::1]:7', '::1', 7, 'ANONYMOUS'],
    ['amqp://a:b@h:1/', 'h', 1, 'PLAIN'],
  ])('%s is read', (url, host, port, mechanism) => {
    expect(parseClientUrl(url)).toMatchObject({ host, port, mechanism: { name: mechanism } });
  });

  it.each(['', 'host:1', 'http://h', 'amqp://h/queue', 'amqps://h', 'amqp://%zz@h'])('%j is refused', (url) => {
    expect(() => parseClientUrl(url)).toThrow(expect.objectContaining({ code: 'FL_CLIENT_URL' }) as Error);
  });

  it('never shows the password', () => {
    expect(() => parseClientUrl('amqps://me:hunter2@h')).toThrow(/^(?!.*hunter2)/);
  });
});
