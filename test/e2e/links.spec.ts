import type { Client, ClientConnection } from '../support/clients/client';
import { CLIENT_NAMES, CLIENT_PAIRS, startClient } from '../support/clients/foreign-clients';
import { dataMessage, encodeMessage } from '../support/clients/message';
import { Ends } from '../support/ends';

let ends: Ends;

beforeAll(async () => {
  const addresses = [
    { match: 'alerts.#', kind: 'multicast' },
    { match: 'quote.*', kind: 'anycast' },
    { match: 'orders.#', kind: 'topic' },
  ] as const;
  ends = await Ends.start(['laptop', 'private', 'public'], { document: { addresses: [...addresses] } });
});

afterAll(() => ends.close());

describe.each(CLIENT_PAIRS)('request and reply: %s asks, %s answers, two hops away', (asking, answering) => {
  it('over a dynamic address and the anonymous relay', async () => {
    const address = `quote.${asking}-${answering}`;
    const service = await ends.last(answering).openReceiver({ address, autoAccept: true });
    const relay = await ends.last(answering).openSender({ address: null });
    const replies = await ends.first(asking).openReceiver({ dynamic: true, autoAccept: true });
    const requests = await ends.first(asking).openSender({ address });
    const replyTo = replies.address as string;
    expect(replyTo).toMatch(/\S/);

    const asked = requests.send(encodeMessage({ reply_to: replyTo, message_id: 'q1', body: 'price?' }));
    await service.inbox.next();
    const answer = encodeMessage({ to: replyTo, correlation_id: 'q1', body: '42' });
    expect((await relay.send(answer)).state).toBe('accepted');
    expect((await replies.inbox.next()).payload).toEqual(answer);
    expect((await asked).state).toBe('accepted');

    // The address is gone with its link.
    await replies.close();
    expect((await relay.send(answer)).state).toBe('released');
    await Promise.all([service.close(), relay.close(), requests.close()]);
  });
});

describe.each(CLIENT_NAMES)('links of %s', (name) => {
  const client = (): ClientConnection => ends.first(name);

  it('the anonymous relay serves each kind by `to`, rejects what leads nowhere, and stays', async () => {
    const relay = await client().openSender({ address: null });
    const topic = await ends.last(name).openReceiver({ address: 'orders.relay', autoAccept: true });
    const multicast = await ends.last(name).openReceiver({ address: 'alerts.relay', autoAccept: true });
    const send = (to: string | undefined) => relay.send(encodeMessage({ ...(to && { to }), body: 'x' }));

    const nowhere = await send(undefined);
    expect([nowhere.state, nowhere.error?.condition]).toEqual(['rejected', 'amqp:invalid-field']);
    for (const to of ['topic/', 'orders.*', 'alerts.#', 'orders.a#b']) {
      const malformed = await send(to);
      expect([to, malformed.state, malformed.error?.condition]).toEqual([to, 'rejected', 'amqp:invalid-field']);
    }
    const contradicting = await send('queue/orders.relay');
    expect([contradicting.state, contradicting.error?.condition]).toEqual(['rejected', 'amqp:not-allowed']);
    expect((await send('quote.nobody')).state).toBe('released');

    expect((await send('topic/orders.relay')).state).toBe('accepted');
    expect((await send('alerts.relay')).state).toBe('accepted');
    await Promise.all([topic.inbox.next(), multicast.inbox.next()]);
    await Promise.all([relay.close(), topic.close(), multicast.close()]);
  });

  it.each<[string, string, readonly string[], RegExp]>([
    ['a prefix against the rule', 'anycast/orders.new', [], /orders\.#.*topic/],
    ['a queue prefix against the rule', 'queue/alerts.a', [], /alerts\.#.*multicast/],
    ['a queue capability for a topic', 'orders.new', ['queue'], /orders\.#.*topic/],
    ['a topic capability for anycast', 'quote.a', ['topic'], /quote\.\*.*anycast/],
  ])('are refused with amqp:not-allowed, naming the rule: %s', async (_what, address, capabilities, rule) => {
    const expected = { told: { condition: 'amqp:not-allowed', description: expect.stringMatching(rule) as string } };
    await expect(client().openSender({ address, capabilities })).rejects.toMatchObject(expected);
    await expect(client().openReceiver({ address, capabilities })).rejects.toMatchObject(expected);
    // Nothing wider than the link was ended.
    const sender = await client().openSender({ address: 'orders.fine' });
    expect((await sender.send(dataMessage('x'))).state).toBe('accepted');
    await sender.close();
  });

  it('capabilities decide where no rule and no prefix does; unknown ones say nothing', async () => {
    const topic = await client().openReceiver({
      address: `free.topic.${name}`,
      capabilities: ['topic'],
      autoAccept: true,
    });
    const anycast = await client().openSender({
      address: `anycast/free.service.${name}`,
      capabilities: ['urn:of-others'],
    });
    const sender = await ends.last(name).openSender({ address: `topic/free.topic.${name}` });
    await sender.send(dataMessage('x'));
    await topic.inbox.next();
    expect(anycast.credit).toBe(0);
    await Promise.all([topic.close(), anycast.close(), sender.close()]);
  });
});

describe.each(CLIENT_NAMES)('names of links of %s', (name) => {
  let client: Client;

  beforeAll(async () => {
    client = await startClient(name);
  });

  afterAll(() => client.close());

  it('a second connection of the same container steals a name, and the first hears of it', async () => {
    const port = ends.mesh.node('laptop').amqpPort;
    const options = { container: `thief-${name}` };
    const [first, second] = [await client.connect(port, options), await client.connect(port, options)];
    const address = `topic/stolen.${name}`;
    const former = await first.openReceiver({ address, name: 'mine', autoAccept: true });
    const bystander = await first.openReceiver({ address, name: 'other', autoAccept: true });
    const thief = await second.openReceiver({ address, name: 'mine', autoAccept: true });
    expect((await former.closed)?.condition).toBe('amqp:link:stolen');

    const sender = await ends.last(name).openSender({ address });
    await sender.send(dataMessage('to whom?'));
    await Promise.all([thief.inbox.next(), bystander.inbox.next()]);
    expect(former.inbox.count).toBe(0);
    await Promise.all([first.close(), second.close(), sender.close()]);
  });

  it('a detached link is attached again by its name and goes on', async () => {
    const connection = await client.connect(ends.mesh.node('laptop').amqpPort);
    const address = `topic/again.${name}`;
    const sender = await ends.last(name).openSender({ address });
    for (const n of [1, 2, 3]) {
      const receiver = await connection.openReceiver({ address, name: 'in', autoAccept: true });
      const outgoing = await connection.openSender({ address, name: 'out' });
      await sender.send(dataMessage(`far ${n}`));
      expect((await receiver.inbox.next()).payload).toEqual(dataMessage(`far ${n}`));
      expect((await outgoing.send(dataMessage(`near ${n}`))).state).toBe('accepted');
      expect((await receiver.inbox.next()).payload).toEqual(dataMessage(`near ${n}`));
      await Promise.all(n === 2 ? [receiver.close(), outgoing.close()] : [receiver.detach(), outgoing.detach()]);
    }
    await Promise.all([connection.close(), sender.close()]);
  });
});
