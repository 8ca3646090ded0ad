import { OUTCOME } from '../streams/contract';
import { SiteAnswers } from './site-answers';

const SELF = 99;
const name = (node: number): string => `site${node}`;
const set = (count: number): { key: string; targets: number[] } => ({
  key: `${count}`,
  targets: Array.from({ length: count }, (_, n) => n),
});

describe('answers of sites', () => {
  it.each([3, 15, 16, 40])('are told apart for %d sites and this one', (count) => {
    const answers = new SiteAnswers();
    answers.open(7, set(count), true);
    expect(answers.missing(7)).toBe(count + 1);
    answers.answer(7, 0, OUTCOME.rejected, { condition: 'app:no' });
    answers.answer(7, count - 1, OUTCOME.accepted, null);
    answers.lost(7, 1);
    expect([answers.missing(7), answers.failed(7), answers.anyAccepted(7)]).toEqual([count - 2, true, true]);
    const silent = Array.from({ length: count }, (_, n) => n).filter((n) => n > 1 && n < count - 1);
    const unknown = [1, ...silent, SELF].map(name).sort().join(', ');
    expect(answers.describe(7, SELF, name)).toBe(
      `refused by: site0 (app:no); no answer from (may still receive it): ${unknown}`,
    );
    answers.answer(7, SELF, OUTCOME.released, null);
    for (const node of silent) answers.answer(7, node, OUTCOME.accepted, null);
    expect(answers.missing(7)).toBe(0);
    expect(answers.describe(7, SELF, name)).toBe(
      'refused by: site0 (app:no), site99; no answer from (may still receive it): site1',
    );
  });

  it('of a slot are forgotten with it', () => {
    const answers = new SiteAnswers();
    answers.open(0, set(20), false);
    answers.answer(0, 3, OUTCOME.rejected, { description: 'no' });
    answers.close(0);
    answers.open(0, set(1), false);
    expect(answers.describe(0, SELF, name)).toBe('no answer from (may still receive it): site0');
    answers.answer(0, 0, OUTCOME.undelivered, null);
    expect([answers.missing(0), answers.failed(0), answers.anyAccepted(0)]).toEqual([0, false, false]);
  });

  it('name a site once, however many nodes it has', () => {
    const answers = new SiteAnswers();
    answers.open(0, set(3), false);
    expect(answers.describe(0, SELF, () => 'east')).toBe('no answer from (may still receive it): east');
  });
});
