import { CONDITION } from '../../amqp/constants';
import { Outbox } from '../../amqp/pair.fixture';
import { FairleadError } from '../../common/errors';
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
