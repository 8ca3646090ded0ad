import type { Queue } from '../queues/contract';
import { CONSUMER, largeOf, messageOf, PLAIN, routed, TestConsumer } from '../queues/queues.fixture';
import { ReferenceRecount } from '../queues/reference-recount';
import { SPACE } from '../queues/spaces';
import { OUTCOME } from '../streams/contract';
import { HeadedBody } from '../streams/framed-body';
import { Scene } from './outbox.fixture';
import { OUTBOX_SPACE } from './outbox-records';

const TEXT = 't'.repeat(1_000);
const TOPIC = Buffer.from('\0\u0004news');

/** An outbox beside queues of the same node, which have what goes into its intake. */
class Together {
  readonly scene = new Scene();
  names: readonly string[] = ['q1'];
  #token = 0;

  constructor() {
    this.open();
  }

  open(): void {
    for (const name of ['q1', 'q2']) this.queue(name);
  }

  queue(name: string, maxDepth: number | null = null): Queue {
    return this.scene.host.open(name, { ...PLAIN, maxDepth, overLimit: 'reject' });
  }

  get intake(): Queue {
    return this.scene.host.intake('$in', () => this.names.map((name) => this.scene.host.find(name) as Queue));
  }

  /** @returns its token */
  publish(text: string, to: readonly string[] = ['a', 'b']): number {
    const bytes = routed('news', messageOf(text));
    const lent = Buffer.from(bytes);
    const entries = to.map((name) => this.scene.entry(name));
    const others = this.scene.outbox.companion(entries, 0, 7, lent.length);
    this.intake.put(lent, 0, lent.length, 7, null, 0, this.scene.sink, this.#token, 0, 0, others);
    lent.fill(0xee);
    return this.#token++;
  }

  publishLarge(bytes: number, to: readonly string[] = ['a', 'b']): number {
    const body = new HeadedBody(TOPIC, largeOf('y', bytes));
    const entries = to.map((name) => this.scene.entry(name));
    const others = this.scene.outbox.companion(entries, 0, 7, body.length);
    this.intake.putLarge(body, 7, null, 0, this.scene.sink, this.#token, 0, null, others);
    return this.#token++;
  }

  consume(name: string, credit = 100): TestConsumer {
    const consumer = new TestConsumer(credit);
    consumer.link = this.scene.host.find(name)!.consume(CONSUMER, consumer);
    consumer.link.pump();
    this.scene.settle();
    return consumer;
  }

  /** All bytes on the disk, but for what is of no message. */
  bytes(): number {
    let sum = 0;
    this.#visit((space, _queue, _key, value) => {
      if (space !== SPACE.state && space !== SPACE.directory) sum += value.length;
    });
    return sum;
  }

  #visit(visit: (space: number, queue: number, key: number, value: Buffer) => void): void {
    const { store } = this.scene;
    for (let space = 0; space < 40; space++)
      for (let queue = 0; queue < 10; queue++)
        for (const key of store.keys(space, queue)) visit(space, queue, key, store.get(space, queue, key)!);
  }

  problems(): string[] {
    const recount = new ReferenceRecount();
    this.#visit((space, _queue, key, value) => recount.add(space, key, value));
    return [...recount.problems()];
  }

  /** Records of messages, of what they share, of parts, and of counts. */
  left(): number {
    const { payloads, holders, bodyHolders, segments, garbage } = SPACE;
    const shared = [payloads, holders, bodyHolders, segments, garbage];
    const messages = [1, 2, 3].map((queue) => this.scene.store.keys(SPACE.messages, queue).length);
    const sum = (counts: number[]): number => counts.reduce((all, count) => all + count, 0);
    return this.scene.records() + sum(messages) + sum(shared.map((space) => this.scene.store.keys(space, 0).length));
  }

  /** All that is here is taken by its consumers, and all that is away is answered. */
  takeAll(): void {
    for (let round = 0; round < 6; round++) {
      this.scene.settle();
      this.scene.answer();
    }
    for (const name of ['q1', 'q2']) {
      const consumer = this.consume(name);
      this.scene.settle();
      for (const { token } of consumer.deliveries) consumer.link.settle(token, OUTCOME.accepted, null, false);
      consumer.link.close(false);
    }
    this.scene.clock.at += 10_000;
    this.scene.settle();
  }

  /** What is sent by its destinations, in order, each answered when it comes. */
  forwarded(to: string): string[] {
    const texts: string[] = [];
    for (let round = 0; round < 10; round++) {
      this.scene.settle();
      texts.push(...this.scene.texts(to));
      this.scene.answer();
    }
    return texts;
  }
}

const isOf = (sent: string, text: string): boolean => sent === `\0 * ${routed('news', messageOf(text)).length}`;

describe('a message for queues here and at other nodes', () => {
  it.each([
    ['small', (all: Together) => all.publish(TEXT), 1_000],
    ['large', (all: Together) => all.publishLarge(300_000), 300_000],
  ])('is on the disk once: a %s one', (_size, publish, bytes) => {
    const all = new Together();
    all.scene.settle();
    const before = all.bytes();
    const token = publish(all);
    all.scene.settle();
    expect(all.scene.told).toEqual([[token, OUTCOME.accepted, undefined]]);
    expect(all.bytes() - before).toBeLessThan(bytes + 400);
    expect(all.problems()).toEqual([]);
    expect(all.scene.sent.map(({ to }) => to)).toEqual(['a', 'b']);
    const consumer = all.consume('q1');
    expect(consumer.texts).toEqual([bytes === 1_000 ? TEXT : 'large 300000 of y']);
    consumer.link.close(false);
    all.takeAll();
    expect(all.left()).toBe(0);
  });

  it.each(['queues', 'outbox'])('stays for the others when the %s have done with it', (first) => {
    const all = new Together();
    all.names = ['q1', 'q2'];
    all.publish(TEXT);
    all.publishLarge(100_000);
    all.scene.settle();
    if (first === 'queues')
      for (const name of all.names) {
        const consumer = all.consume(name);
        all.scene.settle();
        for (const { token } of consumer.deliveries) consumer.link.settle(token, OUTCOME.accepted, null, false);
        consumer.link.close(false);
      }
    else for (let round = 0; round < 4; round++) all.forwarded('a');
    all.scene.clock.at += 10_000;
    all.scene.settle();
    all.scene.crash();
    all.open();
    expect(all.problems()).toEqual([]);
    if (first === 'queues') expect(all.forwarded('b')).toHaveLength(2);
    else expect(all.consume('q2').texts).toEqual([TEXT, 'large 100000 of y']);
  });

  it('comes to the other nodes with its topic before it, also after a restart', () => {
    const all = new Together();
    all.publish(TEXT);
    all.publish('small', ['a']);
    all.publish('small, to two', ['a', 'b']);
    all.scene.settle();
    all.scene.crash();
    all.open();
    const [first = '', ...others] = all.forwarded('a');
    expect([isOf(first, TEXT), others.length]).toEqual([true, 2]);
    for (const [at, text] of ['small', 'small, to two'].entries())
      expect(isOf(others[at] ?? '', text) || others[at] === routed('news', messageOf(text)).toString('latin1')).toBe(
        true,
      );
  });

  it('is refused as a whole by a queue here, and holds up nothing', () => {
    const all = new Together();
    all.queue('full', 0);
    all.names = ['q1', 'full'];
    all.intake.put(routed('news', messageOf('x')), 0, 20, 0, null, 0, all.scene.sink, 99);
    const refused = [all.publish(TEXT), all.publishLarge(100_000)];
    all.scene.put(['a'], 'behind', 50);
    all.scene.settle();
    for (const token of refused)
      expect(all.scene.told).toContainEqual([token, OUTCOME.rejected, 'amqp:resource-limit-exceeded']);
    expect(all.scene.texts('a')).toEqual(['behind']);
    all.names = ['q1'];
    all.takeAll();
    expect([all.left(), all.scene.uses.get('a')?.storingBytes]).toEqual([0, 0]);
  });

  it('is nowhere when its group fails, and its sender hears that', () => {
    const all = new Together();
    all.scene.settle();
    const token = all.publish(TEXT);
    all.scene.host.flush();
    all.scene.store.fail();
    all.scene.settle();
    expect(all.scene.told).toEqual([[token, OUTCOME.rejected, 'amqp:internal-error']]);
    expect([all.scene.sent, all.consume('q1').texts, all.left()]).toEqual([[], [], 0]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('the same of a large one when the disk fails after %i groups', (groups) => {
    const all = new Together();
    all.scene.settle();
    const token = all.publishLarge(1_500_000);
    for (let turn = 0; turn < groups; turn++) {
      all.scene.outbox.flush(++all.scene.clock.at);
      all.scene.host.flush();
      all.scene.host.tick(all.scene.clock.at);
      all.scene.store.step(1);
    }
    all.scene.host.flush();
    const isThere = all.scene.told.length > 0;
    all.scene.store.fail();
    all.scene.settle();
    const [[, outcome] = []] = all.scene.told;
    expect(all.scene.told.map(([of]) => of)).toEqual([token]);
    if (isThere) expect(outcome).toBe(OUTCOME.accepted);
    const wanted = outcome === OUTCOME.accepted ? 1 : 0;
    const consumer = all.consume('q1');
    expect([consumer.texts.length, all.scene.sent.length]).toEqual([wanted, 2 * wanted]);
    consumer.link.close(false);
    all.scene.settle();
    expect(all.problems()).toEqual([]);
    all.takeAll();
    expect(all.left()).toBe(0);
    expect(all.scene.uses.get('a')?.storingBytes).toBe(0);
  });

  it('keeps its place among what goes to the other nodes alone while the intake waits', () => {
    const all = new Together();
    expect(all.intake.room).toBeGreaterThan(0);
    all.scene.settle();
    all.scene.host.moves.hold(true);
    all.publish(TEXT, ['a']);
    all.publishLarge(200_000, ['a']);
    all.scene.put(['a'], 'behind', 50);
    all.scene.settle();
    expect([all.scene.told, all.scene.sent]).toEqual([[[50, OUTCOME.accepted, undefined]], []]);
    all.scene.host.moves.hold(false);
    const [first = '', second = '', third] = all.forwarded('a');
    expect([isOf(first, TEXT), second.startsWith('\0 * 200'), third]).toEqual([true, true, 'behind']);
    expect(all.scene.uses.get('a')?.storingBytes).toBe(0);
  });

  it('is in the outbox alone where no queue here wants it', () => {
    const all = new Together();
    all.names = [];
    const tokens = [all.publish(TEXT), all.publish('small'), all.publishLarge(100_000)];
    all.scene.settle();
    expect(all.scene.told.map(([token, outcome]) => [token, outcome]).sort()).toEqual(
      tokens.map((token) => [token, OUTCOME.accepted]),
    );
    expect(all.problems()).toEqual([]);
    expect(all.forwarded('b')).toHaveLength(3);
    all.takeAll();
    expect(all.left()).toBe(0);
  });

  it('is put again under another number when its home gives it back, and dropped when it never takes it', () => {
    const all = new Together();
    all.publish(TEXT, ['a']);
    all.publishLarge(100_000, ['a']);
    all.scene.settle();
    all.scene.answer(OUTCOME.rejected, { condition: 'amqp:resource-limit-exceeded' });
    all.scene.clock.at += 60_000;
    all.scene.outbox.tick(all.scene.clock.at);
    all.scene.settle();
    all.scene.answer(OUTCOME.rejected, { condition: 'amqp:decode-error' });
    all.scene.clock.at += 60_000;
    all.scene.outbox.tick(all.scene.clock.at);
    all.scene.settle();
    const consumer = all.consume('q1');
    expect(consumer.texts).toEqual([TEXT, 'large 100000 of y']);
    consumer.link.close(false);
    all.takeAll();
    expect([all.left(), all.problems()]).toEqual([0, []]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'is in all or in none after a crash, with %i groups that nobody was told of',
    (untold) => {
      const all = new Together();
      all.names = ['q1', 'q2'];
      all.scene.settle();
      all.publish(TEXT);
      all.scene.host.flush();
      all.publish(`2${TEXT}`);
      all.publishLarge(300_000);
      for (let turn = 0; turn < 4; turn++) {
        all.scene.host.flush();
        all.scene.host.tick(++all.scene.clock.at);
      }
      all.scene.crash(untold);
      all.open();
      expect(all.problems()).toEqual([]);
      const there = all.consume('q1').texts.length;
      expect([all.consume('q2').texts.length, all.forwarded('a').length]).toEqual([there, there]);
      expect(there).toBeGreaterThanOrEqual(Math.min(untold, 1));
      all.takeAll();
    },
  );

  it('is kept by a salvage that has lost its counts, for as long as anybody has it', () => {
    const all = new Together();
    all.publish(TEXT);
    all.publishLarge(100_000);
    all.scene.settle();
    const consumer = all.consume('q1');
    all.scene.settle();
    for (const { token } of consumer.deliveries) consumer.link.settle(token, OUTCOME.accepted, null, false);
    all.scene.clock.at += 10_000;
    all.scene.settle();
    const recount = new ReferenceRecount();
    for (const space of [SPACE.payloads, OUTBOX_SPACE.messages])
      for (const queue of [0, 1, 2])
        for (const key of all.scene.store.keys(space, queue))
          recount.add(space, key, all.scene.store.get(space, queue, key)!);
    const [payload = 0] = all.scene.store.keys(SPACE.payloads, 0);
    expect([...recount.counts()].map(([space, , count]) => [space, count])).toEqual([
      [SPACE.holders, 2],
      [SPACE.bodyHolders, 2],
    ]);
    expect(recount.keeps(SPACE.payloads, payload, Buffer.alloc(0))).toBe(true);
    const record = all.scene.store.get(OUTBOX_SPACE.messages, 1, all.scene.store.keys(OUTBOX_SPACE.messages, 1)[0]!)!;
    // What names a payload that is lost goes: its number may be another one's by and by.
    expect(new ReferenceRecount().keeps(OUTBOX_SPACE.messages, 1, record)).toBe(false);
  });
});
