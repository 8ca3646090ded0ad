import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import { Outbox } from '../../amqp/pair.fixture';
import { FairleadError } from '../../common/errors';
import { decodeMessage } from '../../message/decode-message';
import { encodeMessage } from '../../message/encode-message';
import { dataBody } from '../../message/message';
import { FakeClient } from './listener.fixture';

it('a dynamic target is a temporary address, gone with its link', () => {
  const client = new FakeClient();
  const sender = client.session.attachSender('s', {
    target: { type: 'target', dynamic: true, capabilities: ['temporary-queue'] },
  });
  sender.handler = new Outbox();
  client.run();
  expect(sender.remote?.target).toMatchObject({ address: 'temporary' });
  expect(client.addresses.dropped).toEqual([]);
  sender.detach();
  client.run();
  expect([client.addresses.publisher.closed, client.addresses.dropped]).toEqual([true, ['temporary']]);
});

it('one that nobody can publish to goes at once', () => {
  const client = new FakeClient();
  client.addresses.refusal = new FairleadError('FL_ADDRESS_LIMIT', 'full', { condition: CONDITION.limit });
  const sender = client.session.attachSender('s', { target: { type: 'target', dynamic: true } });
  const outbox = new Outbox();
  sender.handler = outbox;
  client.run();
  expect(outbox.detached).toMatchObject({ condition: CONDITION.limit });
  expect(client.addresses.dropped).toEqual(['temporary']);
});

describe('through the anonymous relay', () => {
  it.each([
    [0, 'queue'],
    [1, 'topic'],
    [2, 'queue'],
    [3, 'topic'],
    [4, null],
    [-1, null],
  ] as const)('a message of a JMS client says what its `to` is: %d is a %s', (type, hint) => {
    for (const size of [10, 100_000]) {
      const client = new FakeClient();
      const sender = client.session.attachSender('s', { target: { type: 'target', address: null } });
      sender.handler = new Outbox();
      client.run();
      const message = encodeMessage({
        messageAnnotations: new AmqpMap([[sym('x-opt-jms-dest'), new AmqpTyped('byte', type)]]),
        properties: { to: 'jobs.a' },
        body: dataBody(Buffer.alloc(size)),
      });
      sender.send(message, 0, message.length, 0, false, 0);
      client.run();
      expect(client.addresses.resolved).toEqual([['jobs.a', hint]]);
    }
  });
});

describe('annotations that only the mesh makes', () => {
  const forged = (size: number): Buffer =>
    encodeMessage({
      messageAnnotations: new AmqpMap([
        [sym('x-opt-own'), 'kept'],
        [sym('x-opt-fairlead-dead-reason'), 'forged'],
      ]),
      body: dataBody(Buffer.alloc(size, 0x2e)),
    });
  const send = (message: Buffer): FakeClient => {
    const client = new FakeClient();
    const sender = client.session.attachSender('s', { target: { type: 'target', address: 'topic/a' } });
    sender.handler = new Outbox();
    client.run();
    sender.send(message, 0, message.length, 0, false, 0);
    client.run();
    return client;
  };

  it('do not come from a client', () => {
    const [published] = send(forged(10)).addresses.publisher.published;
    const message = decodeMessage(Buffer.from(published?.payload ?? '', 'latin1'));
    expect(message.messageAnnotations).toEqual(new AmqpMap([[sym('x-opt-own'), 'kept']]));
    expect(message.body).toEqual(dataBody(Buffer.alloc(10, 0x2e)));
  });

  it('nor at the front of a large message', () => {
    const { parts } = send(forged(100_000)).addresses.publisher;
    const bytes = parts.reduce((sum, part) => sum + (parseInt(part) || 0), 0);
    const honest = encodeMessage({
      messageAnnotations: new AmqpMap([[sym('x-opt-own'), 'kept']]),
      body: dataBody(Buffer.alloc(100_000)),
    });
    // The section of annotations is in its long form.
    expect(bytes).toBe(honest.length + 6);
  });

  it('and cannot be hidden in what is no map', () => {
    const text = Buffer.from('x-opt-fairlead-gap');
    const bad = Buffer.concat([Buffer.from([0, 0x53, 0x72, 0xa1, text.length]), text]);
    expect(send(bad).counters).toMatchObject({ messagesIn: 0, messagesRejected: 1 });
  });
});
