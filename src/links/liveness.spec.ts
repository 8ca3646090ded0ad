import { RECHECK_LATE_MS, RECHECK_MS, RECHECKS_MAX } from './limits';
import { Liveness } from './liveness';

const DEAD = 1_500;

describe('Liveness', () => {
  it('gives a silent neighbour up after the dead interval and one more look', () => {
    const liveness = new Liveness(DEAD, 0);
    expect(liveness.check(DEAD - 1)).toBe(false);
    expect(liveness.deadline()).toBe(DEAD);
    expect(liveness.check(DEAD)).toBe(false);
    expect(liveness.deadline()).toBe(DEAD + RECHECK_MS);
    expect(liveness.check(DEAD + 1)).toBe(false);
    expect(liveness.check(DEAD + RECHECK_MS)).toBe(true);
  });

  it('takes any byte for life, that of the last moment too', () => {
    const liveness = new Liveness(DEAD, 0);
    expect(liveness.check(DEAD)).toBe(false);
    liveness.heard(DEAD + 1);
    expect(liveness.check(DEAD + RECHECK_MS)).toBe(false);
    expect(liveness.deadline()).toBe(2 * DEAD + 1);
  });

  it('does not kill a link because the loop stood still', () => {
    const liveness = new Liveness(DEAD, 0);
    let now = 4_000;
    expect(liveness.check(now)).toBe(false);
    now += RECHECK_MS + RECHECK_LATE_MS + 1;
    expect(liveness.check(now)).toBe(false);
    liveness.heard(now + 1);
    expect(liveness.check(now + 2)).toBe(false);
  });

  it('does not believe in a loop that stands still for ever', () => {
    const liveness = new Liveness(DEAD, 0);
    let now = DEAD;
    let looks = 0;
    while (!liveness.check(now)) {
      now += RECHECK_MS + RECHECK_LATE_MS + 1;
      looks++;
    }
    expect(looks).toBe(RECHECKS_MAX);
  });
});
