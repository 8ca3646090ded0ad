import type { AddressRef } from '../../addresses/contract';
import { AmqpMap, sym } from '../../amqp/codec/values';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import type { LargeBody } from '../../streams/contract';
import { ClientBudget } from './client-budget';
import { DelayedDeliveries, type DelayedSubscriber } from './delayed-deliveries';
import { DELAYED_BYTES_MAX, DELAYED_MESSAGES_MAX } from './limits';

const START = 1_800_000_000_000;

beforeEach(() => jest.useFakeTimers({ now: START }));
afterEach(() => jest.useRealTimers());

function message(annotations: Record<string, number | string>, body = 'x'): Buffer {
  const entries = Object.entries(annotations).map(([key, value]) => [sym(key), value] as const);
  return encodeMessage({ messageAnnotations: new AmqpMap(entries), body: textBody(body) });
}

const after = (ms: number, body = 'x'): Buffer => message({ 'x-opt-delivery-delay': ms }, body);

const ADDRESS = { name: 'a', kind: 'topic' } as const;

/** A subscriber whose messages are sent as soon as they are due. */
class Link implements DelayedSubscriber {
  readonly budget: ClientBudget;
  readonly sent: (Buffer | LargeBody)[] = [];
  taking = true;
  readonly delayed: DelayedDeliveries;

  constructor(budgetBytes?: number) {
    this.budget = new ClientBudget(1, 1, 1, budgetBytes);
    this.delayed = DelayedDeliveries.of({ address: ADDRESS }, this.budget, this) as DelayedDeliveries;
  }

  goOn(): void {
    this.delayed.giveDue();
  }

  takes(): boolean {
    return this.taking;
  }

  give(_address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.sent.push(payload.subarray(start, end));
  }

  giveLarge(_address: AddressRef, body: LargeBody): void {
    this.sent.push(body);
  }

  keep(bytes: Buffer): boolean {
    return this.delayed.keeps(ADDRESS, bytes, 0, bytes.length);
  }
}

it('holds messages until their times, in that order', () => {
  const link = new Link();
  const at = message({ 'x-opt-delivery-time': START + 200 });
  const [late, soon, same] = [after(300), after(100), after(100, 'same')];
  for (const bytes of [late, at, soon, same]) expect(link.keep(bytes)).toBe(true);
  jest.advanceTimersByTime(99);
  expect(link.sent).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(link.sent).toEqual([soon, same]);
  jest.advanceTimersByTime(500);
  expect(link.sent).toEqual([soon, same, at, late]);
  expect([link.budget.delayedBytes, jest.getTimerCount()]).toEqual([0, 0]);
});

it.each<[string, Buffer]>([
  ['says no time', encodeMessage({ body: textBody('x') })],
  ['says the past', message({ 'x-opt-delivery-time': START - 1 })],
  ['says a negative delay', after(-5)],
  ['says text', message({ 'x-opt-delivery-time': 'soon' })],
  ['has other annotations', message({ 'x-opt-jms-dest': 1 })],
  ['is none', Buffer.from('hello')],
  ['is cut short', after(1_000).subarray(0, 12)],
])('does not hold what %s', (_what, bytes) => {
  expect(new Link().keep(bytes)).toBe(false);
});

it('waits longer than a timer can', () => {
  const link = new Link();
  const day = 86_400_000;
  expect(link.keep(after(60 * day))).toBe(true);
  jest.advanceTimersByTime(60 * day - 1);
  expect(link.sent).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(link.sent).toHaveLength(1);
});

it('keeps what is due until its client takes it', () => {
  const link = new Link();
  link.taking = false;
  link.keep(after(10));
  jest.advanceTimersByTime(50);
  expect(link.sent).toEqual([]);
  link.taking = true;
  link.goOn();
  expect(link.sent).toHaveLength(1);
});

it('is full past a number of messages, or bytes', () => {
  const many = new Link();
  for (let n = 0; n < DELAYED_MESSAGES_MAX; n++) {
    expect(many.delayed.full).toBe(false);
    many.keep(after(1_000));
  }
  expect(many.delayed.full).toBe(true);
  jest.advanceTimersByTime(1_000);
  expect(many.delayed.full).toBe(false);
  const heavy = new Link();
  heavy.keep(after(1_000, 'x'.repeat(DELAYED_BYTES_MAX)));
  expect(heavy.delayed.full).toBe(true);
});

it('is full while all subscribers of the node hold too much, once it holds one itself', () => {
  const link = new Link(1);
  link.budget.delayedBytes = 5;
  expect(link.delayed.full).toBe(false);
  link.keep(after(1_000));
  expect(link.delayed.full).toBe(true);
});

/** A large message, and how often it is claimed. */
function large(bytes: Buffer): { body: LargeBody; claims: () => number } {
  let claims = 1;
  const body = {
    length: bytes.length,
    read: (at: number, into: Buffer) => bytes.copy(into, 0, at),
    retain: () => claims++,
    release: () => claims--,
  } as unknown as LargeBody;
  return { body, claims: () => claims };
}

it('gives a large message at its time, and lets go of it then', () => {
  const { body, claims } = large(after(1_000));
  const link = new Link();
  expect(link.delayed.keepsLarge(ADDRESS, body)).toBe(true);
  jest.advanceTimersByTime(1_000);
  expect([link.sent, claims()]).toEqual([[body], 1]);
});

it('is of topics alone: queues, and so subscriptions, hold messages back themselves', () => {
  const link = new Link();
  for (const kind of ['queue', 'anycast', 'multicast'] as const)
    expect(DelayedDeliveries.of({ address: { name: 'a', kind } }, link.budget, link)).toBeNull();
  expect(DelayedDeliveries.of(null, link.budget, link)).toBeNull();
});

it('retains large messages, and lets go of all with its subscriber', () => {
  const { body, claims } = large(after(1_000, 'large'));
  const link = new Link();
  expect(link.delayed.keepsLarge(ADDRESS, body)).toBe(true);
  expect(claims()).toBe(2);
  link.keep(after(2_000));
  link.delayed.clear();
  expect([claims(), link.budget.delayedBytes, jest.getTimerCount()]).toEqual([1, 0, 0]);
});
