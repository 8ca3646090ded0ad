import { Mark } from './marks';
import { QueueMarks } from './queue-marks';
import { ModelStore } from './model-store.fixture';
import { REFUSAL } from './refusals';

const again = (mark: Mark): Mark => Mark.decode(mark.id, mark.encode());

describe('the mark of an origin', () => {
  let mark: Mark;
  beforeEach(() => (mark = new Mark(1, 'a', 7)));

  it('takes each put once, also over a restart', () => {
    expect([1, 2, 2, 4, 3].map((seq) => mark.advance(seq))).toEqual([true, true, false, true, false]);
    expect(again(mark)).toMatchObject({ id: 1, origin: 'a', epoch: 7, last: 4 });
    expect([4, 5].map((seq) => again(mark).advance(seq))).toEqual([false, true]);
  });

  it('remembers what was refused', () => {
    for (const seq of [1, 2, 3, 4]) mark.advance(seq);
    for (const seq of [2, 3]) mark.refuse(seq, REFUSAL.overLimit);
    const outcomes = [1, 2, 3, 4].map((seq) => again(mark).refusalOf(seq));
    expect(outcomes).toEqual([REFUSAL.none, REFUSAL.overLimit, REFUSAL.overLimit, REFUSAL.none]);
  });

  it('takes a large put again that a crash has cut off, once, and none that was stored', () => {
    for (const seq of [1, 2, 3]) mark.advance(seq);
    mark.storing(1, true);
    mark.storing(2, true);
    expect(mark.advance(1)).toBe(false);
    mark.storing(2, false);
    const later = again(again(mark));
    expect(later.last).toBe(3);
    expect([2, 1, 1].map((seq) => later.advance(seq))).toEqual([false, true, false]);
  });

  describe('of an origin that has on its disk what it puts', () => {
    beforeEach(() => {
      mark.comesAgain = true;
      for (const seq of [1, 2, 3, 4]) mark.advance(seq);
      for (const seq of [3, 4]) mark.notWritten(seq, REFUSAL.storeFailed);
    });

    it('what could not be written is taken when it comes again, and nothing newer before it', () => {
      expect([2, 3, 4, 5].map((seq) => mark.has(seq))).toEqual([true, false, false, false]);
      expect([5, 6].map((seq) => mark.isEarly(seq, 1))).toEqual([true, true]);
      for (const seq of [3, 4]) expect([mark.isEarly(seq, 2), mark.advance(seq)]).toEqual([false, true]);
      expect(mark.isEarly(5, 2)).toBe(false);
    });

    it('also over a restart', () => {
      const later = again(mark);
      expect(later.isEarly(5, 0)).toBe(true);
      expect([3, 4, 3].map((seq) => later.advance(seq))).toEqual([true, true, false]);
    });

    it('and when it fails once more', () => {
      expect(mark.isEarly(5, 1)).toBe(true);
      mark.advance(3);
      mark.notWritten(3, REFUSAL.storeFailed);
      expect([mark.isEarly(5, 2), mark.isEarly(4, 2)]).toEqual([true, true]);
    });

    it('but is waited for no more when its origin sends what is newer, all over again, without it', () => {
      expect([mark.isEarly(5, 1), mark.isEarly(6, 1)]).toEqual([true, true]);
      expect([mark.isEarly(5, 2), mark.isEarly(6, 2)]).toEqual([false, false]);
    });
  });
});

describe('the marks of a queue', () => {
  it('keep the newest lives of an origin, and that which it has just begun with a clock that is behind', () => {
    const marks = new QueueMarks();
    for (const epoch of [20, 10, 30]) marks.get('a', epoch).advance(epoch);
    const behind = marks.get('a', 5);
    behind.advance(1);
    marks.touchAll();
    expect(marks.get('a', 5)).toBe(behind);
    const store = new ModelStore();
    marks.write(store, 1);
    store.commit({ done: () => undefined });
    store.settle();
    const later = new QueueMarks();
    later.load(store, 1);
    expect([5, 30].map((epoch) => later.get('a', epoch).last)).toEqual([1, 30]);
    expect(later.get('a', 20).last).toBe(0);
  });
});
