import { described } from '../../amqp/codec/delivery-states';
import type { Source } from '../../amqp/codec/types';
import type { AmqpMap } from '../../amqp/codec/values';
import { AmqpDescribed, AmqpTyped, sym, symbolMap, type AmqpValue } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import type { AttachOptions } from '../../amqp/link';
import { Inbox } from '../../amqp/pair.fixture';
import { FairleadError } from '../../common/errors';
import { OUTCOME, type LargeBody } from '../../streams/contract';
import { FakeClient } from './listener.fixture';
import { consume, message } from './consumer.fixture';

const SELECTOR = 0x0000468c00000004;
const NO_LOCAL = 0x0000468c00000003;

function selector(text: AmqpValue): AmqpDescribed {
  return described(SELECTOR, text);
}

function filters(entries: Record<string, AmqpValue>): AmqpMap {
  return symbolMap(entries);
}

describe('what a source asks for', () => {
  it('is a plain consumer where it says nothing', () => {
    const consuming = consume({});
    expect(consuming.client.addresses.consumer.spec.queue).toEqual({
      browse: false,
      selector: null,
      noLocal: false,
      exclusive: false,
    });
    expect(consuming.answer).toMatchObject({
      address: 'queue/a',
      durable: 0,
      expiryPolicy: 'link-detach',
      distributionMode: null,
      filter: null,
      capabilities: [],
      defaultOutcome: { type: 'released' },
    });
  });

  it.each([
    ['by number', SELECTOR, 'jms-selector'],
    ['by name', sym('apache.org:selector-filter:string'), 'anything'],
  ] as const)('a selector, known %s, goes to the queue and is told back', (_how, descriptor, key) => {
    const value = typeof descriptor === 'number' ? selector('a = 1') : new AmqpDescribed(descriptor, 'a = 1');
    const consuming = consume({ filter: filters({ [key]: value }) });
    expect(consuming.client.addresses.consumer.spec.queue?.selector).toBe('a = 1');
    expect([...(consuming.answer?.filter ?? [])]).toEqual([[sym(key), value]]);
  });

  it('no-local goes to the queue and is told back', () => {
    const value = described(NO_LOCAL, 'NoLocalFilter{}');
    const consuming = consume({ filter: filters({ 'no-local': value, 'jms-selector': selector('') }) });
    expect(consuming.client.addresses.consumer.spec.queue).toMatchObject({ noLocal: true, selector: '' });
    expect(consuming.answer?.filter?.size).toBe(2);
  });

  it.each([
    ['topic/a', 1],
    ['multicast/a', undefined],
  ])('no-local at %s is told back where it is served', (address, told) => {
    const consuming = consume({ address, filter: filters({ 'no-local': described(NO_LOCAL, []) }) });
    expect(consuming.client.addresses.consumer.spec.queue?.noLocal).toBe(true);
    expect(consuming.answer?.filter?.size).toBe(told);
  });

  it('a filter that is not known is not told back', () => {
    const unknown = { xquery: described(0x0000468c00000002, 'x'), plain: 'a = 1', other: described(7, 'x') };
    const consuming = consume({ filter: filters({ ...unknown, s: selector('a = 1') }) });
    expect([...(consuming.answer?.filter ?? [])].map(([key]) => String(key))).toEqual(['s']);
  });

  it('a syntax error of a selector refuses the link with its column', () => {
    const { inbox, client } = consume({ filter: filters({ s: selector('a = = 1') }) });
    expect(inbox.detached).toMatchObject({ condition: CONDITION.invalidField });
    expect(inbox.detached?.description).toContain('column 5');
    expect([client.addresses.consumers, client.budget.links]).toEqual([[], 0]);
  });

  it.each<[string, AmqpMap]>([
    ['no string', filters({ s: selector(new AmqpTyped('uint', 1)) })],
    ['twice there', filters({ s: selector('a = 1'), t: selector('a = 2') })],
  ])('a selector that is %s refuses the link', (_what, filter) => {
    expect(consume({ filter }).inbox.detached).toMatchObject({ condition: CONDITION.invalidField });
  });

  it('distribution mode copy browses a queue', () => {
    const consuming = consume({ distributionMode: 'copy' });
    expect(consuming.client.addresses.consumer.spec.queue?.browse).toBe(true);
    expect(consuming.answer?.distributionMode).toBe('copy');
  });

  it.each([
    ['queue/a', 'move', 'move'],
    ['anycast/a', 'copy', 'move'],
    ['topic/a', 'copy', 'copy'],
    ['topic/a', 'move', 'copy'],
  ] as const)('%s in mode %s is told as %s', (address, distributionMode, told) => {
    expect(consume({ address, distributionMode }).answer?.distributionMode).toBe(told);
  });

  it.each<[string, Partial<Source>, AttachOptions]>([
    ['capability of its source', { capabilities: ['queue', 'exclusive'] }, {}],
    ['property of its link', { capabilities: ['queue'] }, { properties: symbolMap({ exclusive: true }) }],
  ])('an exclusive consumer is one by a %s', (_what, source, options) => {
    const consuming = consume(source, options);
    expect(consuming.client.addresses.consumer.spec.queue?.exclusive).toBe(true);
    expect(consuming.answer?.capabilities).toEqual(source.capabilities);
  });

  it.each([
    ['queue/a', 'exclusive', ['exclusive']],
    ['anycast/a', 'queue', ['queue']],
  ])('a subscription to %s is a plain consumer, and told so', (address, capability, capabilities) => {
    const source = {
      address,
      durable: 2,
      expiryPolicy: 'never',
      capabilities: [capability, 'shared', 'global'],
    } as const;
    const { answer, client } = consume(source);
    expect(answer).toMatchObject({ durable: 0, expiryPolicy: 'link-detach', capabilities });
    expect(client.addresses.consumer.spec.subscription).toBeUndefined();
  });

  it('what the address layer refuses refuses the link', () => {
    const client = new FakeClient();
    client.addresses.refusal = new FairleadError('FL_ADDRESS_KIND', 'no', { condition: CONDITION.notAllowed });
    const receiver = client.session.attachReceiver('r', { source: { type: 'source', address: 'a' } });
    const inbox = new Inbox();
    receiver.handler = inbox;
    client.run();
    expect(inbox.detached).toMatchObject({ condition: CONDITION.notAllowed, description: 'no' });
    expect(client.budget.links).toBe(0);
  });

  it('is answered when the mesh knows of it, within the call or later', () => {
    const client = new FakeClient();
    client.addresses.onOpen = () => undefined;
    const receiver = client.session.attachReceiver('r', { source: { type: 'source', address: 'topic/a' } });
    receiver.addCredit(1);
    client.run();
    expect([receiver.state, client.addresses.consumer.pumps]).toEqual(['attaching', 0]);
    client.addresses.consumer.handler.onConfirmed([]);
    client.run();
    expect(receiver.state).toBe('attached');
    expect(client.addresses.consumer.handler.credit()).toBe(1);
  });
});

it('a dynamic source is a temporary address, gone with its link', () => {
  const { client, receiver, answer } = consume({ address: null, dynamic: true, capabilities: ['temporary-queue'] });
  expect(answer).toMatchObject({ address: 'temporary', dynamic: true, capabilities: ['temporary-queue'] });
  expect(client.addresses.dropped).toEqual([]);
  receiver.detach();
  client.run();
  expect(client.addresses.dropped).toEqual(['temporary']);
});

describe('a selector on a topic', () => {
  function selecting(address: string) {
    const consuming = consume({ address, filter: filters({ s: selector("region = 'eu'") }) });
    consuming.receiver.setCredit(10);
    consuming.client.run();
    return { ...consuming, consumer: consuming.client.addresses.consumer };
  }

  it('is applied here: what is not selected uses no credit, and is accepted where somebody waits for that', () => {
    const consuming = selecting('multicast/a');
    const { client, consumer, inbox, receiver } = consuming;
    expect(consuming.answer?.filter?.size).toBe(1);
    for (const [token, region] of ['eu', 'us', 'eu'].entries()) consumer.deliver(token, message(region));
    consumer.deliver(-1, message('us'));
    client.run();
    expect(inbox.deliveries.map(({ body }) => body)).toEqual([message('eu'), message('eu')]);
    expect(receiver.credit).toBe(8);
    expect(consumer.settled).toEqual([{ token: 1, outcome: OUTCOME.accepted, detail: null, confirm: false }]);
    expect(client.counters.messagesOut).toBe(2);
  });

  it('looks at the head of large messages', () => {
    const { client, consumer, inbox } = selecting('topic/a');
    for (const region of ['us', 'eu']) {
      const bytes = Buffer.concat([message(region), Buffer.alloc(200_000)]);
      const body: LargeBody = {
        length: bytes.length,
        read: (at, target) => bytes.copy(target, 0, at),
        retain: () => undefined,
        release: () => undefined,
      };
      consumer.handler.deliverLarge(-1, consumer.address, true, body);
    }
    client.run();
    expect(inbox.deliveries.map(({ body }) => body.subarray(0, message('eu').length))).toEqual([message('eu')]);
  });

  it('on an anycast address is not applied, and not told back: what it refuses would have to go elsewhere', () => {
    const consuming = selecting('anycast/a');
    consuming.consumer.deliver(0, message('us'));
    consuming.client.run();
    expect(consuming.answer?.filter).toBeNull();
    expect(consuming.inbox.deliveries).toHaveLength(1);
  });
});
