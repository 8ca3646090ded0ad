import type { ConfigStatus } from '../config/live-config';
import { linkRows } from '../runtime/link-rows';
import { WEST, view } from '../runtime/runtime.fixture';
import {
  configIndicator,
  linkIndicators,
  nodeIndicator,
  outboxIndicator,
  rulesIndicator,
  storeIndicator,
} from './indicators';

const STATUS: ConfigStatus = {
  file: 'east.yaml',
  state: 'inForce',
  newest: 'applied',
  hash: 'h',
  since: 's',
  problems: [],
  restartNeeded: [],
};

describe('health', () => {
  it.each([
    ['starting', 'down'],
    ['ready', 'up'],
    ['draining', 'down'],
    ['stopped', 'down'],
  ] as const)('of a node that is %s is %s', (phase, status) => {
    expect(nodeIndicator({ phase, since: 's' })).toEqual({ node: { status, phase, since: 's' } });
  });

  it('is degraded, and not down, by a bad document, a conflict or a failed write', () => {
    const problems = [{ path: 'site', expected: 'a DNS label', found: '"X"', line: 1, column: 7 }];
    expect(configIndicator({ ...STATUS, state: 'degraded', problems })).toEqual({
      config: {
        status: 'up',
        degraded: true,
        since: 's',
        restartNeeded: [],
        problems: ['1:7 site: expected a DNS label, found "X"'],
      },
    });
    expect(rulesIndicator(['a and b'])).toEqual({
      addressRules: { status: 'up', degraded: true, conflicts: ['a and b'] },
    });
    expect(storeIndicator({ failed: 2 }, 'ok')).toEqual({
      store: { status: 'up', degraded: true, failedWrites: 2, queues: 'ok' },
    });
    expect(storeIndicator({ failed: 0 }, 'full')).toMatchObject({ store: { status: 'up', degraded: true } });
  });

  it('names queues of other nodes that what waits here cannot go to', () => {
    const view = { queue: 'jobs', home: 'west', messages: 3, bytes: 30, oldestAt: 1, refusal: null };
    const told = outboxIndicator([
      { ...view, state: 'ok' },
      { ...view, state: 'stuck' },
      { ...view, state: 'stuck', refusal: 'it is full' },
      { ...view, state: 'damaged' },
    ]);
    expect(told['outbox']).toMatchObject({ status: 'up', degraded: true, messages: 12 });
    expect(told['outbox']?.['stuck']).toEqual([
      "3 messages for queue 'jobs' at west, which takes none for long",
      "3 messages for queue 'jobs' at west, which says: it is full",
      expect.stringContaining('store salvage') as string,
    ]);
    expect(outboxIndicator([{ ...view, state: 'ok' }])).toEqual({
      outbox: { status: 'up', degraded: false, messages: 3 },
    });
  });

  it('is not degraded otherwise', () => {
    expect(configIndicator(STATUS)).toMatchObject({ config: { status: 'up', degraded: false } });
    expect(rulesIndicator([])).toEqual({ addressRules: { status: 'up', degraded: false } });
    expect(storeIndicator({ failed: 0 }, 'ok')).toMatchObject({ store: { degraded: false } });
  });

  it('tells every link once, also when neighbours chose one name', () => {
    const views = [1, 2, 3].map((link) => view({ link, peer: { ...WEST, name: link === 1 ? 'a' : 'b' } }));
    const told = linkIndicators(linkRows([], views)).map((indicator) => Object.keys(indicator())[0]);
    expect(new Set(told).size).toBe(3);
    expect(told.slice(0, 2)).toEqual(['to-west', 'to-west@b']);
  });

  it('of an accepted link is not down: it is the concern of the side that dials', () => {
    const [indicator] = linkIndicators(linkRows([], [view({ state: 'synchronising' })]));
    expect(indicator?.()).toMatchObject({ 'to-west': { status: 'up', state: 'synchronising' } });
  });
});
