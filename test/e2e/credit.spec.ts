import type { ClientConnection } from '../support/clients/client';
import { CLIENT_NAMES } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { Ends } from '../support/ends';
import { eventually } from '../support/eventually';

let ends: Ends;

beforeAll(async () => {
  ends = await Ends.start(['laptop', 'private', 'public']);
});

afterAll(() => ends.close());

const numbered = (count: number, from = 0): Buffer[] =>
  Array.from({ length: count }, (_, n) => dataMessage(`message ${from + n}`));

/** What the node had to say on a connection has been said when a later attach is answered. */
async function caughtUp(connection: ClientConnection): Promise<void> {
  const link = await connection.openSender({ address: 'topic/nobody.listens' });
  await link.close();
}

describe.each(CLIENT_NAMES)('credit that %s gives', (name) => {
  it.each(['topic', 'multicast', 'anycast'])('one by one, is what it gets on %s', async (kind) => {
    const address = `${kind}/one.by.one.${name}`;
    const receiver = await ends.last(name).openReceiver({ address, prefetch: 0 });
    const sender = await ends.first(name).openSender({ address });
    const messages = numbered(5);
    receiver.flow(1);
    const outcomes = messages.map((message) => sender.send(message));
    for (const [n, message] of messages.entries()) {
      const delivery = await receiver.inbox.next();
      expect(delivery.payload).toEqual(message);
      delivery.accept();
      await caughtUp(ends.last(name));
      expect(receiver.inbox.count).toBe(n + 1);
      receiver.flow(1);
    }
    expect((await Promise.all(outcomes)).every(({ state }) => state === 'accepted')).toBe(true);
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('the smallest window that it keeps up by itself brings all, in order', async () => {
    const address = `topic/prefetch.${name}`;
    // Proton's flow controller stops after the first message with a window of 1, whoever its peer is.
    const prefetch = name === 'proton' ? 2 : 1;
    const receiver = await ends.last(name).openReceiver({ address, prefetch, autoAccept: true });
    const sender = await ends.first(name).openSender({ address });
    const messages = numbered(50);
    for (const message of messages) void sender.send(message);
    expect((await receiver.inbox.take(50)).map(({ payload }) => payload)).toEqual(messages);
    await Promise.all([sender.close(), receiver.close()]);
  });

  it.each(['topic', 'anycast'])('goes back when it drains a %s', async (kind) => {
    const address = `${kind}/drain.${name}`;
    const receiver = await ends.last(name).openReceiver({ address, prefetch: 0, autoAccept: true });
    const sender = await ends.first(name).openSender({ address });
    receiver.flow(10);
    await receiver.drain();
    expect(receiver.inbox.count).toBe(0);

    receiver.flow(10);
    const messages = numbered(3);
    for (const message of messages) void sender.send(message);
    expect((await receiver.inbox.take(3)).map(({ payload }) => payload)).toEqual(messages);
    await receiver.drain();

    // Without credit nothing comes; what was sent meanwhile comes with the next credit.
    const [late] = numbered(1, 3);
    const outcome = sender.send(late as Buffer);
    await caughtUp(ends.first(name));
    await caughtUp(ends.last(name));
    expect(receiver.inbox.count).toBe(3);
    receiver.flow(10);
    expect((await receiver.inbox.next()).payload).toEqual(late);
    expect((await outcome).state).toBe('accepted');
    await receiver.drain();
    expect(receiver.inbox.count).toBe(4);
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('what waits is sent before a drain is answered', async () => {
    const address = `topic/drain.waiting.${name}`;
    const receiver = await ends.last(name).openReceiver({ address, prefetch: 0, autoAccept: true });
    const sender = await ends.first(name).openSender({ address });
    const messages = numbered(8);
    await Promise.all(messages.map((message) => sender.send(message)));
    // Two hops away `accepted` does not say that they have arrived: the first one does.
    receiver.flow(1);
    await receiver.inbox.next();
    receiver.flow(3);
    await receiver.drain();
    receiver.flow(20);
    await receiver.inbox.take(7);
    await receiver.drain();
    expect(receiver.inbox.count).toBe(8);
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('bounds a publisher two hops away, and nothing is lost when it comes', async () => {
    const address = `topic/stuck.${name}`;
    const receiver = await ends.last(name).openReceiver({ address, prefetch: 0, autoAccept: true });
    const sender = await ends.first(name).openSender({ address });
    const count = 2_000;
    const filler = Buffer.alloc(8_000, 0x5a);
    const messages = Array.from({ length: count }, (_, n) =>
      dataMessage(Buffer.concat([Buffer.from(`${n} `), filler])),
    );
    let accepted = 0;
    const outcomes = messages.map((message) =>
      sender.send(message).then(({ state }) => (accepted += +(state === 'accepted'))),
    );
    let before = -1;
    await eventually(
      'the publisher is held up',
      () => {
        const held = sender.credit === 0 && accepted === before;
        before = accepted;
        return held;
      },
      { everyMs: 300, otherwise: () => `${accepted} of ${count} accepted, ${sender.credit} credit left` },
    );
    expect(accepted).toBeLessThan(count);

    // Another address to the same site is not held up by it.
    const other = await ends.first(name).openSender({ address: `topic/free.${name}` });
    const free = await ends.last(name).openReceiver({ address: `topic/free.${name}`, autoAccept: true });
    expect((await other.send(dataMessage('passes'))).state).toBe('accepted');
    await free.inbox.next();

    receiver.flow(count);
    const arrived = await receiver.inbox.take(count);
    expect(arrived.every(({ payload }, n) => payload.equals(messages[n] as Buffer))).toBe(true);
    await Promise.all(outcomes);
    expect(accepted).toBe(count);
    await Promise.all([sender.close(), receiver.close(), other.close(), free.close()]);
  });
});
