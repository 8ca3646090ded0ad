import { Trial, type TrialOptions } from './trial.fixture';

const PLAIN: TrialOptions = { early: false, large: false, window: 4_096, policy: {} };

const KINDS: [name: string, options: TrialOptions][] = [
  ['plain', PLAIN],
  ['small windows', { ...PLAIN, early: true, window: 3 }],
  ['large messages', { ...PLAIN, early: true, large: true, window: 3 }],
  ['a limit of deliveries', { ...PLAIN, early: true, policy: { maxDeliveries: 2 } }],
  ['retries', { ...PLAIN, large: true, window: 2, policy: { maxDeliveries: 3, retryMs: 2_000 } }],
  ['the oldest dropped', { ...PLAIN, window: 3, policy: { maxDepth: 12, overLimit: 'dropOldest' } }],
  ['too many refused', { ...PLAIN, early: true, policy: { maxDepth: 12, retryMs: 500 } }],
];

describe.each(KINDS)('random clients, failures and crashes: %s', (_name, options) => {
  it.each(Array.from({ length: 20 }, (_, at) => at + 1))('seed %p', (seed) => {
    new Trial(seed, options).run(400);
  });
});

it('a disk that says so before it is true is found out', () => {
  const run = (): void => {
    for (let seed = 1; seed < 20; seed++) new Trial(seed, { ...PLAIN, lying: true }).run(400);
  };
  expect(run).toThrow(/is lost|comes back|does not say so|done in part/);
});
