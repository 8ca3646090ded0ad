import type { Queue, QueueHost } from '../queues/contract';
import type { AddressNames } from './address-names';
import { TestReplicas, TestRoutes } from './parts.fixture';
import { writeClaim, type QueueClaim, type SubscriptionDefinition } from './queue-claim';
import { QueueHomes } from './queue-homes';
import { SubscriptionMoves } from './subscription-moves';
import type { SubscriptionRecord, SubscriptionRecords } from './subscription-records';
import type { SubscriptionRouting } from './subscription-routing';
import type { Here, SubscriptionsHere } from './subscriptions-here';

const QUEUE = '$sub/c/s';
const DEFINITION: SubscriptionDefinition = {
  filter: 'news.#',
  selector: null,
  noLocal: false,
  notFrom: 0,
  shared: false,
  durable: true,
};
const CLAIM: QueueClaim = { generation: 0, since: 5, subscription: DEFINITION, ids: ['a.5'] };

/** Node `a`, whose subscription goes to `b`. */
function setUp(records: readonly SubscriptionRecord[] = []) {
  const replicas = new TestReplicas();
  let stamp = { site: '', incarnation: 1, born: 1, version: 7 };
  Object.assign(replicas, { stamp: () => stamp });
  const homes = new QueueHomes('a', new TestRoutes('a', 'b', 'c'), replicas, () => undefined);
  const live = new Map<string, Here>();
  const kept = new Map<string, SubscriptionRecord>();
  const routed = new Map<string, unknown>();
  let clock = 100;
  const here = {
    get: (name: string) => live.get(name),
    claimOf: (name: string) => live.get(name)?.claim ?? null,
    begin: (last: number) => (clock = Math.max(clock, last)),
    nextClock: () => ++clock,
    tellClock: () => undefined,
    add: (name: string, _queue: null, claim: QueueClaim, stints: Here['stints']) => {
      live.set(name, { claim, stints, definition: DEFINITION } as Here);
      return live.get(name);
    },
    tell: (name: string, { claim }: Here) => homes.own(name, claim),
    remove: (name: string) => live.delete(name),
  } as unknown as SubscriptionsHere;
  const moves = new SubscriptionMoves({
    host: { stored: [] as string[], open: () => ({}) as Queue } as unknown as QueueHost,
    names: { policy: () => null } as unknown as AddressNames,
    routing: {
      add: (name: string, _queue: null, _definition: unknown, stints: unknown) => routed.set(name, stints),
      remove: (name: string) => routed.delete(name),
    } as unknown as SubscriptionRouting,
    records: {
      set: (record: SubscriptionRecord) => kept.set(record.name, record),
      delete: (name: string) => kept.delete(name),
    } as unknown as SubscriptionRecords,
    homes,
    replicas,
    here,
    isLeaving: () => false,
    isComing: () => false,
    claimOf: () => null,
    scheduleFlush: () => undefined,
  });
  moves.start(records);
  return {
    moves,
    homes,
    live,
    kept,
    routed,
    told: (node: string, claim: QueueClaim | null) => {
      stamp = { ...stamp, version: stamp.version + 1 };
      homes.onFact(node, `queue/${QUEUE}`, claim === null ? null : writeClaim(claim));
      moves.review(QUEUE);
    },
    known: (incarnation: number, version: number) => {
      stamp = { ...stamp, incarnation, version };
      moves.factsChanged();
    },
  };
}

function departed(): ReturnType<typeof setUp> {
  const scene = setUp();
  scene.homes.own(QUEUE, CLAIM);
  scene.live.set(QUEUE, { claim: CLAIM, definition: DEFINITION, stints: [[5, 0]] } as unknown as Here);
  scene.told('b', { ...CLAIM, generation: 1, since: 3 });
  scene.moves.departed(QUEUE, 'b');
  return scene;
}

describe('a subscription that has left', () => {
  it('is told of with all that it is, and kept with when it was here', () => {
    const { homes, kept, routed, moves } = departed();
    expect(homes.told('a', QUEUE)).toEqual({ ...CLAIM, generation: 1, movedTo: 'b', until: 101 });
    expect(kept.get(QUEUE)).toMatchObject({ stints: [[5, 101]], seen: { incarnation: 1, version: 8 } });
    expect(routed.get(QUEUE)).toEqual([[5, 101]]);
    expect([moves.isHere(QUEUE), moves.idsOf(QUEUE)]).toEqual([false, ['a.5']]);
  });

  it('is told of for as long as its new home tells of it, or where it went from there', () => {
    const { homes, told, kept, routed } = departed();
    told('b', { ...CLAIM, generation: 1, since: 3, ids: ['x', 'a.5'] });
    told('b', { ...CLAIM, generation: 2, since: 3, movedTo: 'c', until: 9 });
    expect(homes.told('a', QUEUE)?.movedTo).toBe('b');
    told('b', null);
    expect([homes.told('a', QUEUE), kept.size, routed.size]).toEqual([null, 0, 0]);
  });

  it('is forgotten once its new home tells of another one of its name', () => {
    const { homes, told } = departed();
    told('b', { ...CLAIM, generation: 2, since: 8, ids: ['b.8'] });
    expect(homes.told('a', QUEUE)).toBeNull();
  });

  it('is not forgotten by a node that was restarted and knows less than before', () => {
    const { kept } = departed();
    const again = setUp([...kept.values()]);
    expect(again.homes.told('a', QUEUE)?.movedTo).toBe('b');
    expect(again.routed.get(QUEUE)).toEqual([[5, 101]]);
    again.known(1, 7);
    expect(again.homes.told('a', QUEUE)?.movedTo).toBe('b');
    again.known(1, 8);
    expect(again.homes.told('a', QUEUE)).toBeNull();
  });

  it('may come back, and gets what was put here at either time', () => {
    const { moves, live, routed, homes } = departed();
    moves.adopted(QUEUE, { ...CLAIM, generation: 2 });
    expect(live.get(QUEUE)?.stints).toEqual([
      [5, 101],
      [102, 0],
    ]);
    expect(homes.claims(QUEUE)[0]).toMatchObject({ owner: 'a', claim: { generation: 2, since: 102 } });
    expect(routed.size).toBe(0);
  });

  it('is another one when one of its name comes that was made since', () => {
    const { moves, live } = departed();
    moves.adopted(QUEUE, { ...CLAIM, generation: 2, ids: ['b.8'] });
    expect(live.get(QUEUE)?.stints).toEqual([[102, 0]]);
  });
});
