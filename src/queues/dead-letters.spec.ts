import type { AmqpMap } from '../amqp/codec/values';
import { AmqpTyped, symbolMap } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import { ANNOTATION } from './dead-letters';
import { Home, messageOf } from './queues.fixture';
import { SPACE } from './spaces';

describe('dead letters', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  const annotationsOf = (message: { messageAnnotations?: AmqpMap } | undefined): unknown[] =>
    Object.values(ANNOTATION).map((name) => message?.messageAnnotations?.named(name));

  it.each([
    ['expired', 'expired', 0],
    ['rejected', 'rejected', 1],
    ['failed too often', 'maxDeliveries', 2],
  ])('go to a queue here when they were %s, with reason, origin and count', (_what, reason, count) => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq', maxDeliveries: 2 });
    home.put(queue, messageOf('a', { header: { durable: true, ttl: reason === 'expired' ? 5 : 1_000_000 } }));
    home.settle();
    if (reason === 'expired') home.pass(3_000);
    else {
      const consumer = home.consume(queue, 5);
      home.settle();
      for (let n = 0; n < count; n++) {
        consumer.settle('a', reason === 'rejected' ? OUTCOME.rejected : OUTCOME.modifiedFailed);
        home.settle();
      }
      expect(consumer.texts).toEqual([]);
    }
    expect(queue.view()).toMatchObject({ depth: 0, bytes: 0, deadLettered: 1 });
    home.crash();
    const [again] = [home.open({}, 'dlq'), home.open({ deadLetter: 'queue/dlq' })];
    const reader = home.consume(again, 5);
    home.pass(5_000);
    expect(reader.texts).toEqual(['a']);
    expect(annotationsOf(reader.deliveries[0]?.message)).toEqual([reason, 'queue/q', new AmqpTyped('uint', count)]);
    expect(reader.deliveries[0]?.message.header?.ttl).toBe(reason === 'expired' ? undefined : 1_000_000);
    expect(dlq.name).toBe('dlq');
  });

  it('are dropped and counted without an address', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.settle();
    expect(queue.view()).toMatchObject({ depth: 0, dropped: 1, deadLettered: 0 });
  });

  it('move again when their group fails, once', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'dlq' });
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.host.flush();
    home.store.fail();
    home.settle();
    expect([queue.view().depth, dlq.view().depth]).toEqual([0, 1]);
    home.crash();
    expect([home.open().view().depth, home.open({}, 'dlq').view().depth]).toEqual([0, 1]);
  });

  it('wait on the disk until an address elsewhere has taken them', () => {
    const queue = home.open({ deadLetter: 'topic/dead' });
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.settle();
    expect(home.forwarded.map(({ address }) => address)).toEqual(['topic/dead']);
    home.forwarded.pop()?.done(OUTCOME.released);
    home.settle();
    expect(queue.view().depth).toBe(1);
    home.crash();
    const again = home.open({ deadLetter: 'topic/dead' });
    home.pass(10);
    const [sent] = home.forwarded;
    expect(annotationsOf(sent?.message)).toEqual(['rejected', 'queue/q', new AmqpTyped('uint', 1)]);
    home.forwarded.pop()?.done(OUTCOME.rejected);
    home.pass(6_000);
    home.forwarded.pop()?.done(OUTCOME.accepted);
    home.settle();
    expect(again.view()).toMatchObject({ depth: 0, bytes: 0 });
    expect(home.store.keys(SPACE.dead, 1)).toEqual([]);
  });

  it('go back to where they came from when an operator says so', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq', maxDeliveries: 1 });
    const consumer = home.consume(queue, 2);
    for (const text of ['a', 'b']) home.put(queue, text);
    home.put(dlq, 'own');
    home.settle();
    for (const text of ['a', 'b']) consumer.settle(text, OUTCOME.modifiedFailed);
    home.settle();
    let told: unknown = null;
    dlq.retryDead(100, (count, error) => (told = [count, error]));
    home.settle();
    expect(told).toEqual([2, null]);
    consumer.more(5);
    home.settle();
    expect(consumer.texts).toEqual(['a', 'b']);
    expect(dlq.view().depth).toBe(1);
  });

  it('go back past those whose origin takes none any more', () => {
    const home = new Home();
    const dlq = home.open({}, 'dlq');
    const deadOf = (text: string, origin: string): Buffer =>
      messageOf(text, { annotations: symbolMap({ [ANNOTATION.origin]: origin }) });
    for (let n = 0; n < 100; n++) home.put(dlq, deadOf('stays', 'queue/gone'));
    home.put(dlq, deadOf('other', 'queue/there'));
    home.settle();
    let told: unknown = null;
    dlq.retryDead(1_000, (count, error) => (told = [count, (error as { code?: string } | null)?.code]));
    home.settle();
    for (;;) {
      const sent = home.forwarded.splice(0);
      if (sent.length === 0) break;
      for (const { address, done } of sent) done(address === 'queue/there' ? OUTCOME.accepted : OUTCOME.rejected);
      home.settle();
    }
    expect(told).toEqual([1, 'FL_QUEUE_NOT_TAKEN']);
    expect(dlq.view().depth).toBe(100);
  });
});
