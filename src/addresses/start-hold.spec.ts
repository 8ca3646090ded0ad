import { nodeIdOf } from '../links/contract';
import type { NodeView } from '../routing/contract';
import { KNOWN_NODES_MAX } from './limits';
import { TestRoutes } from './parts.fixture';
import { StartHold } from './start-hold';

function setup(known: readonly string[]) {
  const saved: (readonly string[])[] = [];
  const routes = new TestRoutes('self', 'b', 'c', 'd');
  const events: string[] = [];
  const hold = new StartHold(
    known,
    nodeIdOf('self'),
    1_000,
    5_000,
    { saveKnownNodes: (names) => saved.push(names), saveFacts: () => undefined },
    () => events.push('ended'),
    () => events.push('flush'),
  );
  const view = (name: string): NodeView => routes.of(name);
  return { hold, saved, view, events };
}

describe('start hold', () => {
  it('is none on a first start, or when only this node was known', () => {
    for (const known of [[], ['self']]) {
      const { hold } = setup(known);
      expect([hold.over, hold.missing, hold.deadline()]).toEqual([true, [], Infinity]);
    }
  });

  it('ends with the last known node, and says so once', () => {
    const { hold, view, events } = setup(['b', 'c', 'self']);
    expect([hold.over, hold.missing, hold.deadline()]).toEqual([false, ['b', 'c'], 6_000]);
    hold.reachable(view('b'));
    expect([hold.over, hold.missing]).toEqual([false, ['c']]);
    hold.reachable(view('c'));
    hold.reachable(view('b'));
    hold.tick(9_000);
    expect([hold.over, hold.missing, hold.deadline(), events]).toEqual([true, [], Infinity, ['ended', 'flush']]);
  });

  it('ends after its time when one stays away', () => {
    const { hold, events } = setup(['b']);
    hold.tick(5_999);
    expect(hold.over).toBe(false);
    hold.tick(6_000);
    expect([hold.over, events]).toEqual([true, ['ended', 'flush']]);
  });

  it('writes down whoever it meets, for the next start, once a turn', () => {
    const { hold, saved, view } = setup(['b']);
    hold.reachable(view('b'));
    hold.flush();
    expect(saved).toEqual([]);
    hold.reachable(view('d'));
    hold.reachable(view('c'));
    hold.flush();
    hold.flush();
    expect(saved).toEqual([['b', 'c', 'd']]);
  });

  it('keeps the names of those that were within reach lately, when they are too many', () => {
    const { hold, saved } = setup(Array.from({ length: KNOWN_NODES_MAX }, (_, n) => `old-${n}`));
    const reach = (name: string): void => hold.reachable({ id: nodeIdOf(name), name } as NodeView);
    reach('old-0');
    reach('new');
    hold.flush();
    expect(saved[0]).toHaveLength(KNOWN_NODES_MAX);
    expect(saved[0]).toEqual(expect.arrayContaining(['new', 'old-0', 'old-2']));
    expect(saved[0]).not.toContain('old-1');
    expect(hold.missing).toHaveLength(KNOWN_NODES_MAX - 2);
  });
});
