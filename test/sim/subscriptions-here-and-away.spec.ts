import { SPACE } from '../../src/queues/spaces';
import { OUTCOME } from '../../src/streams/contract';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import type { SimConsumer, SimPublisher } from './address-clients';
import { asked, homeAt, Load } from './moving-subscriptions.fixture';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { Work } from './transactions.fixture';
import { rule, type VirtualNode } from './virtual-mesh';

const NEAR = '$sub/near/sub';
const FAR = '$sub/far/sub';
const LARGE = 'L'.repeat(600_000);
const limits = { startHoldMs: 500, partitionHoldMs: 4_000 };
const shown = (text: string): string => (text.startsWith('L') ? 'large' : text.slice(0, 8));

/** A topic that subscriptions at `a`, where it is published, and at `b` hold, behind one wire. */
class Scene {
  readonly sim: SimMesh = simMesh(['a-b', 'b-c', 'a-c'], { shared: [rule('news.#', 'topic')], limits });
  publisher: SimPublisher;

  constructor() {
    this.attach('a', 'near').close();
    this.attach('b', 'far').close();
    this.sim.run(1_000);
    this.publisher = this.#open();
  }

  #open(): SimPublisher {
    return topicPublisher(this.node('a'), 'news.sport');
  }

  node(name: string): VirtualNode {
    return this.sim.node(name);
  }

  attach(at: string, owner: string): SimConsumer {
    const consumer = subscriber(this.node(at), 'news.#', { owner });
    this.sim.until('confirmed', () => consumer.confirmed !== null);
    return consumer;
  }

  cut(): void {
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'c'],
    ] as const)
      this.sim.mesh.cut(this.sim.wire(one, other));
    this.sim.run(6_000);
  }

  heal(): void {
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'c'],
    ] as const)
      this.sim.mesh.heal(this.sim.wire(one, other));
    this.sim.run(2_000);
  }

  restart(name: string): void {
    this.node(name).kill();
    this.sim.run(200);
    this.node(name).start();
    this.sim.run(3_000);
    if (name === 'a') this.publisher = this.#open();
  }

  send(text: string): number {
    this.sim.until('credit', () => this.publisher.credit > 0);
    return text.length > 50_000 ? this.publisher.sendLarge(text) : this.publisher.send(text);
  }

  answered(): void {
    this.sim.until('answers', () => this.publisher.outcomes.size === this.publisher.sent);
  }

  /** What each of the two gets, once nothing comes any more. */
  got(): readonly (readonly string[])[] {
    const consumers = [this.attach('a', 'near'), this.attach('b', 'far')];
    this.sim.run(8_000);
    return consumers.map(({ got }) => got.map(shown));
  }

  /** What nobody has any more is gone from the disk. */
  left(): number[] {
    this.sim.run(5_000);
    const { records } = this.node('a');
    return [SPACE.payloads, SPACE.holders, SPACE.bodyHolders, SPACE.segments, SPACE.garbage].map(
      (space) => records.keys(space, 0).length,
    );
  }
}

describe('what is published for subscriptions here and elsewhere', () => {
  it.each([
    ['small', 'x'.repeat(2_000)],
    ['large', LARGE],
  ])('is on the disk of its node once, and comes to both: %s messages', (_size, text) => {
    const scene = new Scene();
    scene.cut();
    const before = scene.node('a').records.bytes;
    for (let n = 0; n < 5; n++) scene.send(text);
    scene.answered();
    expect(new Set(scene.publisher.results)).toEqual(new Set([OUTCOME.accepted]));
    const stored = scene.node('a').records.bytes - before;
    expect(stored / (5 * text.length)).toBeLessThan(1.2);
    expect(stored / (5 * text.length)).toBeGreaterThan(1);
    scene.restart('a');
    scene.heal();
    const wanted = Array.from({ length: 5 }, () => shown(text));
    expect(scene.got()).toEqual([wanted, wanted]);
    expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
  });

  it('stays in order, whatever the size', () => {
    const scene = new Scene();
    scene.send('first');
    scene.send(LARGE);
    scene.send('second');
    scene.send('x'.repeat(3_000));
    scene.answered();
    expect(scene.got()).toEqual([
      ['first', 'large', 'second', 'xxxxxxxx'],
      ['first', 'large', 'second', 'xxxxxxxx'],
    ]);
  });

  it.each(Array.from({ length: 14 }, (_, n) => n * 3))(
    'has one answer, which is true for all, when the disk fails after %i ms',
    (ms) => {
      const scene = new Scene();
      const numbers = ['one', LARGE, `two ${'x'.repeat(3_000)}`].map((text) => scene.send(text));
      scene.sim.run(ms);
      scene.node('a').breakDisk('failed');
      scene.sim.run(300);
      scene.node('a').mendDisk();
      scene.answered();
      const accepted = ['one', 'large', 'two xxxx'].filter(
        (_, n) => scene.publisher.outcomes.get(numbers[n] ?? -1) === OUTCOME.accepted,
      );
      expect(scene.got()).toEqual([accepted, accepted]);
      expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
    },
  );

  it.each(Array.from({ length: 14 }, (_, n) => n * 3))(
    'is in both or in none when its node is killed after %i ms',
    (ms) => {
      const scene = new Scene();
      const texts = ['one', LARGE, `two ${'x'.repeat(3_000)}`, 'last'];
      const numbers = texts.map((text) => scene.send(text));
      scene.sim.run(ms);
      const { publisher } = scene;
      scene.restart('a');
      const [near = [], far = []] = scene.got();
      expect(far).toEqual(near);
      const accepted = texts.filter((_, n) => publisher.outcomes.get(numbers[n] ?? -1) === OUTCOME.accepted).map(shown);
      expect(near.filter((text) => accepted.includes(text))).toEqual(accepted);
      expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
    },
  );

  it('is refused while the disk is full, for all of them', () => {
    const scene = new Scene();
    scene.node('a').breakDisk('full');
    scene.publisher.send('no');
    scene.publisher.sendLarge(LARGE);
    scene.sim.run(500);
    scene.node('a').mendDisk();
    scene.answered();
    expect(new Set(scene.publisher.results)).toEqual(new Set([OUTCOME.rejected]));
    scene.send('yes');
    expect(scene.got()).toEqual([['yes'], ['yes']]);
  });

  it('is once on the disk when it is published in a transaction, in the order of that', () => {
    const scene = new Scene();
    scene.cut();
    const before = scene.node('a').records.bytes;
    const work = new Work(scene.node('a'));
    const texts = ['one', `two ${'x'.repeat(3_000)}`, LARGE, 'last'];
    for (const text of texts)
      if (text === LARGE) scene.publisher.sendLarge(text, undefined, work.transaction);
      else scene.publisher.sendWithin(work.transaction, text);
    work.commit();
    scene.sim.until('committed', () => work.result === null);
    expect((scene.node('a').records.bytes - before) / LARGE.length).toBeLessThan(1.1);
    scene.restart('a');
    scene.heal();
    expect(scene.got()).toEqual([texts.map(shown), texts.map(shown)]);
    expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(Array.from({ length: 10 }, (_, n) => n * 4))(
    'is in both or in none when the commit is cut off after %i ms',
    (ms) => {
      for (const how of ['kill', 'disk'] as const) {
        const scene = new Scene();
        const work = new Work(scene.node('a'));
        scene.publisher.sendWithin(work.transaction, 'one');
        scene.publisher.sendLarge(LARGE, undefined, work.transaction);
        scene.publisher.sendWithin(work.transaction, 'last');
        work.commit();
        scene.sim.run(ms);
        if (how === 'kill') scene.restart('a');
        else {
          scene.node('a').breakDisk('failed');
          scene.sim.run(300);
          scene.node('a').mendDisk();
          scene.sim.until('an answer', () => work.result !== undefined);
        }
        const [near = [], far = []] = scene.got();
        expect(far).toEqual(near);
        expect([[], ['one', 'large', 'last']]).toContainEqual(near);
        if (work.result !== undefined) expect(near).toHaveLength(work.result === null ? 3 : 0);
        expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
      }
    },
  );

  it.each([
    ['stays', null],
    ['moves', NEAR],
  ])('waits for the other node while the one here %s, and is there after a restart', (_what, queue) => {
    const scene = new Scene();
    const { sim } = scene;
    scene.cut();
    const texts = [...numbered(3, 'x'.repeat(400)), LARGE, 'small'];
    for (const text of texts) scene.send(text);
    scene.answered();
    if (queue !== null) sim.until('it has moved', () => asked(sim, 'c', queue));
    scene.restart('a');
    scene.heal();
    expect(scene.got()).toEqual([texts.map(shown), texts.map(shown)]);
    expect(scene.left()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([
    ['near', NEAR, 'c'],
    ['near', NEAR, 'b'],
    ['far', FAR, 'c'],
    ['far', FAR, 'a'],
  ])('comes to both, once and in order, while the %s one of them (%s) moves to %s', (_which, queue, to) => {
    const scene = new Scene();
    const { sim } = scene;
    sim.run(1_000);
    const load = new Load(sim, ['a', 'c']);
    // Text longer than what is shared at least, so that what waits in the outbox has the message of the queue.
    for (const text of numbered(4, 'x'.repeat(400))) scene.send(text);
    scene.send(LARGE);
    load.steps(10);
    load.until('it has moved', () => asked(sim, to, queue) || homeAt(scene.node('a'), queue) === to);
    load.steps(20);
    load.settle();
    scene.answered();
    const [near = [], far = []] = scene.got();
    for (const got of [near, far]) {
      expect(got.filter((text) => text === 'large')).toHaveLength(1);
      expect(got).toHaveLength(5 + load.accepted.length);
      for (const name of ['a0', 'c1']) {
        const numbers = got.filter((text) => text.startsWith(`${name}.`));
        expect(numbers).toEqual([...numbers].sort((x, y) => Number(x.split('.')[1]) - Number(y.split('.')[1])));
      }
    }
  });
});
