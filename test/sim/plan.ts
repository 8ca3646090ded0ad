import type { AddressRule, MeshLimits } from '../../src/mesh/contract';
import { Dice } from './dice';
import { byTime, planFaults, planMoves, type Fault } from './fault-plan';
import { NO_QUEUES, planQueues, rulesOfQueues, type QueuePlan } from './queue-plan';
import { shapeEdges, type ShapeName } from './shapes';
import type { ConsumerPlan } from './sim-consumer';
import type { PublisherPlan } from './sim-publisher';
import type { ReceiverPlan } from './sim-receiver';
import { mayDouble, movable, NO_SUBSCRIPTIONS, planSubscriptions, type SubscriptionPlan } from './subscription-plan';
import type { WireQuality } from './virtual-link';
import { rule } from './virtual-mesh';

export interface WirePlan {
  readonly ends: readonly [number, number];
  readonly cost: number;
  readonly quality: Partial<WireQuality>;
}

/** Everything that a run does, decided by its seed alone. */
export interface Plan {
  readonly seed: number;
  readonly shape: ShapeName;
  readonly nodes: number;
  readonly wires: readonly WirePlan[];
  readonly limits: MeshLimits;
  readonly publishers: readonly PublisherPlan[];
  readonly consumers: readonly ConsumerPlan[];
  readonly queues: readonly QueuePlan[];
  readonly subscriptions: readonly SubscriptionPlan[];
  readonly receivers: readonly ReceiverPlan[];
  readonly faults: readonly Fault[];
  /** Address rules of the nodes; of a large mesh's first ones, from which the others learn them. */
  readonly rules: readonly AddressRule[];
  /** Publishers begin, publishers stop and all faults are over, ms. */
  readonly trafficFrom: number;
  readonly healAt: number;
  /** Every delivery has its outcome so long after the heal (G5). */
  readonly quietWithinMs: number;
}

const KIB = 1024;
export const QUIET_WITHIN_MS = 30_000;
const TRAFFIC_FROM_MS = 1_500;
const TRAFFIC_UNTIL_MS = 5_500;
/** Every so manyth run is a large mesh. */
const LARGE_EVERY = 500;
const LARGE_NODES = 200;
/** Every so manyth run, the large ones among them, has queues; and less of the rest, for a run costs what it sends. */
const QUEUES_EVERY = 5;

/** Topic `t.…` without a rule, multicast `m.…`, anycast `a.…`, topic that drops `d.…`. */
const ADDRESSES = ['t.x', 't.y', 't.x.z', 'm.all', 'm.any', 'a.one', 'a.two', 'd.ticks'] as const;
const FILTERS = ['t.#', 't.*', 't.x', 't.x.#', 'm.all', 'm.any', 'a.one', 'a.two', 'd.#'] as const;

const RULES: readonly AddressRule[] = [
  rule('t.#', 'topic', { blockForMs: 5_000 }),
  rule('t.y', 'topic', { blockForMs: 5_000, trafficClass: 'high' }),
  rule('m.all', 'multicast'),
  rule('m.any', 'multicast', { ack: 'any' }),
  rule('a.#', 'anycast'),
  rule('a.two', 'anycast', { overflowAt: 5 }),
  rule('d.#', 'topic', { slow: 'dropOldest' }),
  rule('s.#', 'topic'),
];

export function planOf(seed: number): Plan {
  const dice = new Dice(seed);
  const large = seed % LARGE_EVERY === LARGE_EVERY - 1;
  const nodes = large
    ? LARGE_NODES
    : dice.weighted([
        [6, dice.between(3, 5)],
        [3, dice.between(6, 8)],
        [1, dice.between(9, 12)],
      ]);
  const shape = large ? 'web' : dice.pick<ShapeName>(['line', 'ring', 'ring', 'star', 'diamonds', 'web']);
  const wires = shapeEdges(shape, nodes, dice).map((ends) => planWire(ends, dice));
  const limits = planLimits(dice, large);
  const publishers = Array.from({ length: dice.between(2, 3) }, () => planPublisher(nodes, dice));
  const consumers = planConsumers(nodes, publishers, dice);
  const hasQueues = seed % QUEUES_EVERY === QUEUES_EVERY - 1;
  const queues = hasQueues ? planQueues(nodes, limits, new Dice(seed ^ 0x9e0e)) : NO_QUEUES;
  const common = [
    ...planFaults({ nodes, wires: wires.length, consumers: consumers.length, limits }, dice),
    ...queues.faults,
  ];
  const on = { nodes, receivers: queues.receivers.length, limits, faults: common };
  const kept = hasQueues ? planSubscriptions(on, new Dice(seed ^ 0x50b5)) : NO_SUBSCRIPTIONS;
  const anywhere = Array.from({ length: nodes }, (_, n) => n);
  const stable = mayDouble(common) ? [] : queues.queues;
  const moves = planMoves(
    [...stable.map(({ name }) => ({ queue: name, nodes: anywhere })), ...movable(kept.subscriptions, on)],
    new Dice(seed ^ 0x30fe),
  );
  const faults = byTime([...common, ...kept.faults, ...moves]);
  const healAt = Math.max(TRAFFIC_UNTIL_MS, ...faults.map(({ at, forMs }) => at + forMs + 500));
  return {
    seed,
    shape,
    nodes,
    wires,
    limits,
    publishers: [...(hasQueues ? publishers.slice(0, 1) : publishers), ...queues.publishers, ...kept.publishers],
    consumers,
    queues: queues.queues,
    subscriptions: kept.subscriptions,
    receivers: [...queues.receivers, ...kept.receivers],
    faults,
    rules: [...RULES, ...rulesOfQueues(queues.queues)],
    trafficFrom: TRAFFIC_FROM_MS,
    healAt,
    quietWithinMs: QUIET_WITHIN_MS,
  };
}

function planWire(ends: readonly [number, number], dice: Dice): WirePlan {
  const slow = dice.chance(0.1);
  const latencyMs = dice.weighted([
    [6, 1],
    [3, 10],
    [1, 60],
  ]);
  return { ends, cost: dice.pick([1, 10, 10, 20]), quality: { latencyMs, bytesPerMs: slow ? 2_000 : 100_000 } };
}

function planLimits(dice: Dice, large: boolean): MeshLimits {
  const poolBytes = dice.pick([2, 4]) * KIB * KIB;
  return {
    helloMs: large ? 1_000 : 500,
    deadMs: large ? 3_000 : 1_500,
    partitionHoldMs: 6_000,
    startHoldMs: 3_000,
    ingressPoolBytes: poolBytes,
    retentionPoolBytes: poolBytes,
    receivePoolBytes: poolBytes,
    linkQueueBytes: dice.pick([128, 1_024]) * KIB,
  };
}

function planPublisher(nodes: number, dice: Dice): PublisherPlan {
  const common = { node: dice.below(nodes), address: dice.pick(ADDRESSES) };
  const large = dice.chance(0.2) ? 0.02 : 0;
  const pace = dice.weighted<Pick<PublisherPlan, 'everyMs' | 'burst' | 'bytes' | 'largeBytesMax'>>([
    [5, { everyMs: dice.between(20, 150), burst: 1, bytes: [8, 300], largeBytesMax: 1_500 * KIB }],
    [2, { everyMs: 20, burst: dice.between(2, 5), bytes: [8, 1_000], largeBytesMax: 200 * KIB }],
    [1, { everyMs: dice.between(40, 100), burst: 1, bytes: [8, 60_000], largeBytesMax: 200 * KIB }],
  ]);
  return { ...common, ...pace, large };
}

/** Consumers of what is published, most of them; and some of anything. */
function planConsumers(nodes: number, publishers: readonly PublisherPlan[], dice: Dice): ConsumerPlan[] {
  const wanted = publishers.flatMap(({ address }) => (dice.chance(0.6) ? [address, address] : [address]));
  const filters = [...wanted, dice.pick(FILTERS), dice.pick(FILTERS)];
  return filters.map((address) => ({
    node: dice.below(nodes),
    address,
    perTurn: dice.weighted([
      [6, Infinity],
      [1, 20],
      [1, 2],
    ]),
    settleAfterMs: dice.pick([0, 0, 5, 50]),
    rejects: address.startsWith('a.') && dice.chance(0.2) ? 0.05 : 0,
    lossy: address.startsWith('d.'),
  }));
}
