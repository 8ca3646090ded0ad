import { ModelStore } from '../queues/model-store.fixture';
import { OUTCOME } from '../streams/contract';
import { OUTBOX_IDLE_MAX, OUTBOX_RETRY_MS } from './limits';
import { OUTBOX_SPACE } from './outbox-records';
import type { Outgoing } from './outgoing';
import { entryOf } from './parts.fixture';
import { BIG, fill, LARGE, Scene, short, type UnderWay } from './outbox.fixture';

describe('the outbox', () => {
  it('tells who put a message once it is on the disk, and forwards it not before', () => {
    const scene = new Scene();
    scene.put(['a'], 'm0', 5);
    scene.outbox.flush(0);
    scene.host.flush();
    expect([scene.told, scene.sent]).toEqual([[], []]);
    scene.settle();
    expect(scene.told).toEqual([[5, OUTCOME.accepted, undefined]]);
    expect(scene.texts('a')).toEqual(['m0']);
  });

  it('tells which is the oldest that has no answer, also while that is on its way to the disk', () => {
    const scene = new Scene();
    const nothing = Number.MAX_SAFE_INTEGER;
    expect(scene.outbox.span('a')).toEqual({ first: nothing, last: 0 });
    scene.put(['b'], 'm0');
    scene.settle();
    scene.put(['a'], 'm1');
    const { first, last } = scene.outbox.span('a');
    expect([first <= last, last]).toEqual([true, 2]);
    scene.settle();
    scene.putLarge(['a'], LARGE);
    expect(scene.outbox.span('a')).toEqual({ first: 2, last: 3 });
    scene.settle();
    scene.answer();
    scene.settle();
    expect(scene.outbox.span('a')).toEqual({ first: nothing, last: 3 });
  });

  it('stores what several destinations get once, until the last has it', () => {
    const scene = new Scene();
    scene.put(['a', 'b', 'c'], BIG);
    scene.settle();
    expect(scene.told).toHaveLength(1);
    expect(scene.store.keys(OUTBOX_SPACE.payloads, 0)).toHaveLength(1);
    expect(['a', 'b', 'c'].map((name) => scene.texts(name))).toEqual([[short(BIG)], [short(BIG)], [short(BIG)]]);
    scene.answer(OUTCOME.accepted, null, 2);
    scene.settle();
    expect(scene.store.keys(OUTBOX_SPACE.payloads, 0)).toHaveLength(1);
    scene.answer();
    scene.settle();
    expect(scene.records()).toBe(0);
  });

  it('goes on after a crash with what was not answered, payloads that are shared included', () => {
    const scene = new Scene();
    scene.put(['a', 'b'], BIG);
    scene.put(['a'], 'm1');
    scene.settle();
    scene.answer(OUTCOME.accepted, null, 1);
    scene.settle();
    const numbers = scene.sent.map(({ seq }) => seq);
    scene.crash();
    scene.settle();
    expect([scene.texts('a'), scene.texts('b')]).toEqual([['m1'], [short(BIG)]]);
    expect(scene.sent.map(({ seq }) => seq).sort()).toEqual(numbers.sort());
    scene.put(['a'], 'm2');
    scene.settle();
    expect(scene.sent.at(-1)?.seq).toBeGreaterThan(Math.max(...numbers));
    scene.answer();
    scene.settle();
    expect(scene.records()).toBe(0);
  });

  it('never gives a number twice, also when nothing was left at a restart', () => {
    const scene = new Scene();
    scene.put(['a'], 'm0');
    scene.settle();
    const [{ seq }] = scene.sent as [UnderWay];
    scene.answer();
    scene.settle();
    scene.crash();
    scene.put(['a'], 'm1');
    scene.settle();
    expect(scene.sent[0]?.epoch).toBe(1);
    expect(scene.sent[0]?.seq).toBeGreaterThan(seq);
  });

  it('takes large messages, in order with the others', () => {
    const scene = new Scene();
    scene.put(['a'], 'before');
    const body = scene.putLarge(['a', 'b'], LARGE, 1);
    scene.put(['a'], 'after', 2);
    scene.outbox.flush(0);
    scene.host.flush();
    scene.store.settle();
    scene.outbox.flush(0);
    expect(scene.texts('a')).toEqual(['before']);
    scene.settle();
    // It is as much as is read ahead.
    expect(scene.texts('a')).toEqual(['before', short(LARGE)]);
    expect(scene.texts('b')).toEqual([short(LARGE)]);
    expect(body.refs).toBe(1);
    expect(scene.told.map(([token]) => token).sort()).toEqual([0, 1, 2]);
    scene.answer();
    scene.settle();
    expect(scene.texts('a')).toEqual(['after']);
    scene.answer();
    scene.settle();
    expect([scene.records(), scene.parts()]).toEqual([0, 0]);
  });

  it('leaves nothing of a large message that a crash has cut off', () => {
    const scene = new Scene();
    scene.putLarge(['a'], fill('z', 2_000_000));
    scene.put(['a'], 'after');
    scene.host.flush();
    scene.host.tick(0);
    scene.store.settle();
    scene.crash();
    scene.settle();
    expect(scene.texts('a')).toEqual(['after']);
    scene.answer();
    scene.settle();
    expect([scene.records(), scene.parts()]).toEqual([0, 0]);
    expect(scene.outbox.views()).toEqual([]);
  });

  it.each(['small', 'shared', 'large'])('refuses what the disk does not take, and leaves nothing of it: %s', (kind) => {
    const scene = new Scene(new ModelStore({ early: true }));
    if (kind === 'large') scene.putLarge(['a', 'b'], LARGE, 1);
    else scene.put(kind === 'small' ? ['a'] : ['a', 'b'], BIG, 1);
    scene.host.flush();
    scene.host.tick(0);
    scene.store.fail();
    scene.settle();
    expect(scene.told).toEqual([[1, OUTCOME.rejected, 'amqp:internal-error']]);
    expect([scene.sent, scene.records(), scene.parts()]).toEqual([[], 0, 0]);
    scene.put(['a', 'b'], BIG, 2);
    scene.settle();
    expect(scene.told.at(-1)).toEqual([2, OUTCOME.accepted, undefined]);
    scene.crash();
    scene.settle();
    expect([scene.texts('a'), scene.texts('b')]).toEqual([[short(BIG)], [short(BIG)]]);
  });

  it('keeps what it has when its removal fails', () => {
    const scene = new Scene(new ModelStore({ early: true }));
    scene.put(['a', 'b'], BIG);
    scene.settle();
    scene.answer(OUTCOME.accepted, null, 1);
    scene.host.tick((scene.clock.at += 100));
    scene.store.fail();
    scene.settle();
    scene.crash();
    scene.settle();
    expect([scene.texts('a'), scene.texts('b')]).toEqual([[], [short(BIG)]]);
    scene.answer();
    scene.settle();
    expect(scene.records()).toBe(0);
  });

  it.each(['small', 'shared', 'large'])(
    'puts again what its home has no room for, and loses none when that fails: %s',
    (kind) => {
      const scene = new Scene(new ModelStore({ early: true }));
      const to = kind === 'shared' ? ['a', 'b'] : ['a'];
      const text = kind === 'large' ? LARGE : BIG;
      if (kind === 'large') scene.putLarge(to, text);
      else scene.put(to, text);
      scene.settle();
      const numbers = scene.sent.map(({ seq }) => seq);
      scene.answer(OUTCOME.rejected, { condition: 'amqp:resource-limit-exceeded', description: 'full' });
      expect(scene.outbox.views().map(({ refusal }) => refusal)).toEqual(to.map(() => 'full'));
      scene.outbox.flush(scene.clock.at);
      scene.host.flush();
      scene.store.fail();
      scene.settle();
      expect(scene.sent).toEqual([]);
      scene.clock.at += OUTBOX_RETRY_MS;
      scene.outbox.tick(scene.clock.at);
      scene.settle();
      expect(to.map((name) => scene.texts(name))).toEqual(to.map(() => [short(text)]));
      for (const { seq } of scene.sent) expect(seq).toBeGreaterThan(Math.max(...numbers));
      scene.crash();
      scene.settle();
      expect(to.map((name) => scene.texts(name))).toEqual(to.map(() => [short(text)]));
      scene.answer();
      scene.settle();
      expect([scene.records(), scene.parts()]).toEqual([0, 0]);
    },
  );

  it('is written with what queues change, or not at all', () => {
    const scene = new Scene();
    const queue = scene.host.open('here', { ...entryOf('queue', 'x').policy });
    const message = Buffer.from('0053750161', 'hex');
    queue.put(message, 0, message.length, 0, null, 0, scene.sink, 1);
    scene.put(['a'], 'm0', 2);
    scene.host.flush();
    expect(scene.store.pending).toBe(1);
    scene.store.fail();
    scene.settle();
    expect(scene.told.map(([token, outcome]) => [token, outcome]).sort()).toEqual([
      [1, OUTCOME.rejected],
      [2, OUTCOME.rejected],
    ]);
  });

  it('lets nothing go while older puts are on their way past it', () => {
    const scene = new Scene();
    scene.behind.add('a');
    scene.put(['a'], 'm0');
    scene.settle();
    expect(scene.sent).toEqual([]);
    scene.behind.clear();
    scene.outbox.wake(scene.uses.get('a') as Outgoing);
    scene.settle();
    expect(scene.texts('a')).toEqual(['m0']);
  });

  it('sends what its queue will never take to the dead letters', () => {
    const scene = new Scene();
    const entry = scene.entry('a');
    entry.policy = { ...entry.policy, deadLetter: 'dlq' };
    scene.put(['a'], 'm0');
    scene.putLarge(['a'], LARGE);
    scene.settle();
    scene.answer(OUTCOME.rejected, { condition: 'amqp:decode-error' });
    scene.settle();
    expect(scene.deadLetters).toEqual(['m0', short(LARGE)]);
    expect([scene.records(), scene.parts()]).toEqual([0, 0]);
  });

  it('forgets destinations that nothing waits for', () => {
    const scene = new Scene();
    for (let n = 0; n < OUTBOX_IDLE_MAX + 10; n++) {
      scene.put([`q${n}`], 'm');
      scene.settle();
      scene.answer();
    }
    scene.settle();
    expect(scene.store.keys(OUTBOX_SPACE.names, 0)).toHaveLength(OUTBOX_IDLE_MAX);
    expect(scene.uses.get('q0')).toBeNull();
    scene.put(['q0'], 'again');
    scene.settle();
    expect(scene.texts('q0')).toEqual(['again']);
  });

  it('is closed to one destination when a record of it is damaged', () => {
    const scene = new Scene();
    scene.put(['a'], 'm0');
    scene.put(['b'], 'm1');
    scene.settle();
    scene.store.damage(OUTBOX_SPACE.messages, 1, 1);
    scene.crash();
    scene.settle();
    expect([scene.texts('a'), scene.texts('b')]).toEqual([[], ['m1']]);
    expect(scene.outbox.views().map(({ queue, state }) => [queue, state])).toEqual([
      ['a', 'damaged'],
      ['b', 'ok'],
    ]);
    scene.put(['a'], 'm2', 9);
    scene.settle();
    expect(scene.told.at(-1)).toEqual([9, OUTCOME.rejected, 'amqp:internal-error']);
  });

  it('counts anew what a salvage has left', () => {
    const scene = new Scene();
    scene.put(['a', 'b'], BIG);
    scene.put(['a', 'b'], BIG);
    scene.settle();
    const { totals, holders, payloads } = OUTBOX_SPACE;
    for (const key of [0, 1, 2]) scene.store.delete(totals, 0, key);
    for (const key of [1, 2]) scene.store.delete(holders, 0, key);
    scene.store.delete(payloads, 0, 2);
    scene.store.commit({ done: () => undefined });
    scene.store.settle();
    scene.crash();
    scene.settle();
    expect([scene.texts('a'), scene.texts('b')]).toEqual([[short(BIG)], [short(BIG)]]);
    expect(scene.counters.dropped.get('damaged')).toBe(2);
    scene.answer();
    scene.settle();
    expect(scene.records()).toBe(0);
    expect(scene.outbox.views()).toEqual([]);
  });
});
