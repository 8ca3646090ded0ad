import { OUTCOME } from '../streams/contract';
import { OUTBOX_RETRY_MS } from './limits';
import { LARGE, Scene, short } from './outbox.fixture';

/** What a queue that has come to the node of the outbox does not take for now. */
describe('what the outbox gets back undelivered', () => {
  function underWay(): Scene {
    const scene = new Scene();
    for (const text of ['m0', 'm1', 'm2', 'm3']) scene.put(['a'], text);
    scene.settle();
    return scene;
  }

  function later(scene: Scene): void {
    scene.clock.at += OUTBOX_RETRY_MS;
    scene.outbox.tick(scene.clock.at);
    scene.settle();
  }

  it('comes again after a while, under its number, before what is newer', () => {
    const scene = underWay();
    const numbers = scene.sent.map(({ seq }) => seq);
    scene.answer(OUTCOME.accepted, null, 1);
    scene.answer(OUTCOME.undelivered, { description: 'the disk of the queue fails' });
    scene.put(['a'], 'm4');
    scene.settle();
    expect(scene.sent).toEqual([]);
    expect(scene.outbox.views()[0]?.refusal).toBe('the disk of the queue fails');
    later(scene);
    expect(scene.texts('a')).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(scene.sent.slice(0, 3).map(({ seq }) => seq)).toEqual(numbers.slice(1));
    scene.answer();
    scene.settle();
    expect([scene.records(), scene.outbox.views()]).toEqual([0, []]);
  });

  it('waits until all that was sent behind it is answered, and repeats nothing that was taken', () => {
    const scene = underWay();
    const [first, second, third, fourth] = scene.sent.splice(0);
    const answer = (one = first, outcome: typeof OUTCOME.accepted | typeof OUTCOME.undelivered): void => {
      scene.pending.finish(one?.slot ?? -1, outcome, null);
      scene.pending.free(one?.slot ?? -1);
    };
    answer(first, OUTCOME.accepted);
    answer(second, OUTCOME.undelivered);
    answer(third, OUTCOME.accepted);
    later(scene);
    expect(scene.sent).toEqual([]);
    answer(fourth, OUTCOME.undelivered);
    scene.outbox.flush((scene.clock.at += OUTBOX_RETRY_MS));
    expect(scene.texts('a')).toEqual(['m1', 'm3']);
    scene.answer();
    scene.settle();
    expect([scene.records(), scene.outbox.views()]).toEqual([0, []]);
  });

  it('the same of a large one, whose parts stay', () => {
    const scene = new Scene();
    scene.putLarge(['a'], LARGE);
    scene.put(['a'], 'behind');
    scene.settle();
    scene.answer(OUTCOME.undelivered);
    later(scene);
    expect(scene.texts('a')).toEqual([short(LARGE)]);
    scene.answer();
    scene.settle();
    expect(scene.texts('a')).toEqual(['behind']);
    scene.answer();
    scene.clock.at += 10_000;
    scene.settle();
    expect([scene.records(), scene.parts()]).toEqual([0, 0]);
  });
});
