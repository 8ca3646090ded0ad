import { AddressError } from '../../addresses/errors';
import type { SubscriptionView } from '../../addresses/contract';
import { described } from '../../amqp/codec/delivery-states';
import type { AmqpErrorFields, Source } from '../../amqp/codec/types';
import { symbolMap } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import type { AttachOptions } from '../../amqp/link';
import { Inbox } from '../../amqp/pair.fixture';
import type { ReceiverLink } from '../../amqp/receiver-link';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { FakeClient } from './listener.fixture';

const DURABLE = { durable: 2, expiryPolicy: 'never', distributionMode: 'copy' } as const;
const FILTERS = symbolMap({
  'no-local': described(0x0000468c00000003, 'NoLocalFilter{}'),
  'jms-selector': described(0x0000468c00000004, 'n = 2'),
});

const INBOX: SubscriptionView = {
  name: 'inbox',
  client: 'client',
  durable: true,
  shared: false,
  filter: 'orders.#',
  selector: 'n = 2',
  noLocal: true,
  home: 'east',
  queue: '$sub/client/inbox',
};

/** What a client hears of its end of a link. */
class Ear extends Inbox {
  answer: Source | null | undefined;
  /** What its own detach was answered with. */
  told: string | null | undefined;

  onAttached(link: ReceiverLink): void {
    this.answer = link.remote?.source ?? null;
  }

  onDetachAnswered(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    this.told = error?.condition ?? null;
  }
}

interface Attached {
  readonly client: FakeClient;
  readonly receiver: ReceiverLink;
  readonly ear: Ear;
}

function attach(
  source: Partial<Source> | null,
  name = 'inbox',
  options: AttachOptions = {},
  client = new FakeClient(),
): Attached {
  const full = source === null ? null : ({ type: 'source', address: 'topic/orders.#', ...source } as const);
  const receiver = client.session.attachReceiver(name, { ...options, source: full });
  const ear = new Ear();
  receiver.handler = ear;
  client.run();
  return { client, receiver, ear };
}

const ref = (name: string, client: string | null) => ({ name, client });

describe('a durable or shared source of a topic', () => {
  it.each<[string, string, Partial<Source>, object, object]>([
    ['durable', 'inbox', DURABLE, { name: 'inbox', client: 'client', durable: true, shared: false }, DURABLE],
    [
      'shared and durable',
      'inbox|2',
      { ...DURABLE, capabilities: ['topic', 'shared'] },
      { name: 'inbox', client: 'client', durable: true, shared: true },
      { ...DURABLE, capabilities: ['topic', 'shared'] },
    ],
    [
      'of all clients',
      'inbox|global',
      { ...DURABLE, durable: 1, capabilities: ['topic', 'shared', 'global', 'odd'] },
      { name: 'inbox', client: null, durable: true, shared: true },
      { ...DURABLE, durable: 1, capabilities: ['topic', 'shared', 'global'] },
    ],
    [
      'shared alone',
      'inbox|volatile1',
      { capabilities: ['shared'] },
      { name: 'inbox', client: 'client', durable: false, shared: true },
      { durable: 0, expiryPolicy: 'link-detach', capabilities: ['shared'] },
    ],
  ])('that is %s opens a subscription and is answered as it is', (_what, name, source, subscription, answer) => {
    const { client, ear } = attach({ ...source, filter: FILTERS }, name);
    const { spec } = client.addresses.consumer;
    expect(spec).toMatchObject({ address: 'topic/orders.#', subscription });
    expect(spec.queue).toEqual({ browse: false, selector: 'n = 2', noLocal: true, exclusive: false });
    expect(ear.answer).toMatchObject({ address: 'topic/orders.#', timeout: 0, ...answer });
    expect(ear.answer?.filter?.size).toBe(2);
  });

  it('is not asked for its selector here, where its queue has applied it', () => {
    const { client, receiver, ear } = attach({ ...DURABLE, filter: FILTERS });
    receiver.addCredit(1);
    client.run();
    client.addresses.consumer.deliver(0, encodeMessage({ body: textBody('not selected') }));
    client.run();
    expect(ear.deliveries).toHaveLength(1);
  });

  it.each([
    ['', 'leaves none'],
    ['x'.repeat(600), '512 bytes'],
  ])('with a name that cannot be one is refused', (name, said) => {
    const { ear, client } = attach(DURABLE, `${name}|1`);
    expect(ear.detached).toMatchObject({ condition: CONDITION.invalidField });
    expect(ear.detached?.description).toContain(said);
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 0]);
  });
});

describe('the end of its link', () => {
  it('detached, it leaves the subscription', () => {
    const { client, receiver } = attach(DURABLE);
    receiver.detach(null, false);
    client.run();
    expect(client.addresses.consumer.failed).toBe(false);
    expect([client.addresses.unsubscribed, receiver.state, client.budget.links]).toEqual([[], 'detached', 0]);
  });

  it('with its connection, it leaves the subscription', () => {
    const { client } = attach(DURABLE);
    client.pair.client.close();
    client.run();
    expect(client.addresses.consumer.failed).toBe(false);
    expect(client.addresses.unsubscribed).toEqual([]);
  });

  it('closed, it ends the subscription, and is answered when that is so', () => {
    const { client, receiver, ear } = attach(DURABLE);
    receiver.detach(null, true);
    client.run();
    const [[asked, done] = []] = client.addresses.unsubscribed;
    expect(asked).toMatchObject(ref('inbox', 'client'));
    expect([client.addresses.consumer.failed, receiver.state]).toEqual([false, 'detaching']);
    done?.(null);
    client.run();
    expect([receiver.state, ear.detached]).toEqual(['detached', null]);
  });

  it('closed before it was answered, it ends the subscription', () => {
    const client = new FakeClient();
    client.addresses.onOpen = () => undefined;
    const { receiver } = attach(DURABLE, 'inbox', {}, client);
    receiver.detach(null, true);
    client.run();
    client.addresses.unsubscribed[0]?.[1](null);
    client.run();
    expect(receiver.state).toBe('detached');
  });

  it.each([
    ['is told why it did not end', DURABLE, 'FL_SUBSCRIPTION_AWAY', 'fairlead:unreachable'],
    ['is told nothing where it had ended before', DURABLE, 'FL_SUBSCRIPTION_UNKNOWN', null],
    ['leaves it to others that share it', { ...DURABLE, capabilities: ['shared'] }, 'FL_SUBSCRIPTION_IN_USE', null],
  ] as const)('closed, it %s', (_what, source, code, condition) => {
    const { client, receiver, ear } = attach(source);
    receiver.detach(null, true);
    client.run();
    client.addresses.unsubscribed[0]?.[1](new AddressError(code, 'why'));
    client.run();
    expect([receiver.state, ear.told]).toEqual(['detached', condition]);
  });

  it('a connection that ends while it waits for that is no trouble', () => {
    const { client, receiver } = attach(DURABLE);
    receiver.detach(null, true);
    client.run();
    client.pair.client.close();
    client.run();
    client.addresses.unsubscribed[0]?.[1](null);
    client.run();
    expect(client.budget.links).toBe(0);
  });

  it('one that another takes over is detached, not closed, and the subscription stays', () => {
    const { client, ear } = attach(DURABLE);
    client.addresses.consumer.handler.onGone(
      Object.assign(new AddressError('FL_SUBSCRIPTION_IN_USE', 'taken over'), { condition: CONDITION.stolen }),
    );
    client.run();
    expect(ear.detached).toMatchObject({ condition: CONDITION.stolen });
    expect(client.addresses.unsubscribed).toEqual([]);
  });

  it('closed, a shared one that is not durable is closed and no more', () => {
    const { client, receiver } = attach({ capabilities: ['shared'] });
    receiver.detach(null, true);
    client.run();
    expect([receiver.state, client.addresses.consumer.failed]).toEqual(['detached', false]);
    expect(client.addresses.unsubscribed).toEqual([]);
  });
});

describe('an attach without a source', () => {
  function lookUp(view: SubscriptionView | null, name = 'inbox', options: AttachOptions = {}): Attached {
    const client = new FakeClient();
    if (view !== null) client.addresses.known.push(view);
    return attach(null, name, options, client);
  }

  it.each([
    [undefined, "'inbox' of client 'client'"],
    [['shared', 'global'], "'inbox' of all clients"],
  ])('is refused where there is no such subscription', (capabilities, said) => {
    const options = capabilities === undefined ? {} : { desiredCapabilities: capabilities };
    const { ear, client } = lookUp(null, 'inbox|global', options);
    expect(ear.answer).toBeNull();
    expect(ear.detached).toMatchObject({ condition: CONDITION.notFound });
    expect(ear.detached?.description).toContain(said);
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 0]);
  });

  it('does not find one that is not durable', () => {
    expect(lookUp({ ...INBOX, durable: false, shared: true }).ear.detached?.condition).toBe(CONDITION.notFound);
  });

  it('is answered with the source of the subscription', () => {
    const { ear, client } = lookUp(INBOX);
    expect(ear.answer).toMatchObject({
      address: 'topic/orders.#',
      durable: 2,
      expiryPolicy: 'never',
      distributionMode: 'copy',
      capabilities: ['topic'],
    });
    expect(ear.answer?.filter?.size).toBe(2);
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 1]);
  });

  it('finds one of all clients by what it desires', () => {
    const { ear } = lookUp({ ...INBOX, client: null, shared: true }, 'inbox|global', {
      desiredCapabilities: ['shared', 'global'],
    });
    expect(ear.answer?.capabilities).toEqual(['topic', 'shared', 'global']);
  });

  it('closed, ends it', () => {
    const { client, receiver, ear } = lookUp(INBOX);
    receiver.detach(null, true);
    client.run();
    expect(client.addresses.unsubscribed[0]?.[0]).toEqual(ref('inbox', 'client'));
    client.addresses.unsubscribed[0]?.[1](null);
    client.run();
    expect([receiver.state, ear.detached, client.budget.links]).toEqual(['detached', null, 0]);
  });

  it.each([false, true])('closed, hears that somebody consumes it, shared or not', (shared) => {
    const { client, receiver, ear } = lookUp({ ...INBOX, shared });
    receiver.detach(null, true);
    client.run();
    client.addresses.unsubscribed[0]?.[1](new AddressError('FL_SUBSCRIPTION_IN_USE', 'in use'));
    client.run();
    expect([receiver.state, ear.told]).toEqual(['detached', 'amqp:resource-locked']);
  });

  it('detached, leaves it', () => {
    const { client, receiver } = lookUp(INBOX);
    receiver.detach(null, false);
    client.run();
    expect([client.addresses.unsubscribed, client.budget.links]).toEqual([[], 0]);
  });

  it('consumes it from the moment that it gives credit', () => {
    const { client, receiver, ear } = lookUp(INBOX);
    receiver.addCredit(5);
    client.run();
    const { consumer } = client.addresses;
    expect(consumer.spec).toMatchObject({
      address: 'topic/orders.#',
      queue: { selector: 'n = 2', noLocal: true },
      subscription: { name: 'inbox', client: 'client', durable: true, shared: false },
    });
    expect([consumer.pumps > 0, client.budget.links]).toEqual([true, 1]);
    consumer.deliver(0, encodeMessage({ body: textBody('missed') }));
    client.run();
    receiver.detach(null, false);
    client.run();
    expect([ear.deliveries.length, consumer.failed, client.budget.links]).toEqual([1, false, 0]);
  });

  it.each([
    ['has ended', null],
    ['is made anew for something else', { ...INBOX, filter: 'bills.#' }],
  ])('makes nothing anew where it %s before the first credit', (_what, now) => {
    const { client, receiver, ear } = lookUp(INBOX);
    client.addresses.known.length = 0;
    if (now !== null) client.addresses.known.push(now);
    receiver.addCredit(5);
    client.run();
    expect(ear.detached).toMatchObject({ condition: CONDITION.notFound });
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 0]);
  });

  it('hears why it cannot consume it', () => {
    const { client, receiver, ear } = lookUp({ ...INBOX, filter: 'orders.new' });
    client.addresses.refusal = new AddressError('FL_ADDRESS_KIND', 'no topic any more');
    receiver.addCredit(5);
    client.run();
    expect(ear.detached).toMatchObject({ condition: CONDITION.notAllowed });
    expect(client.budget.links).toBe(0);
  });
});
