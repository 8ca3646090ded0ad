import type { AddressRule } from '../../src/mesh/contract';
import type { Fault } from './fault-plan';
import { QUIET_WITHIN_MS, type Plan } from './plan';
import { rulesOfQueues, type QueuePlan } from './queue-plan';
import type { ConsumerPlan } from './sim-consumer';
import type { PublisherPlan } from './sim-publisher';
import type { ReceiverPlan } from './sim-receiver';
import { DEFAULT_LIMITS, rule } from './virtual-mesh';

/** What a test's scene says; the rest is as in a small, good mesh. */
export interface Scene {
  readonly nodes: number;
  /** Ends, and where it matters cost and quality. */
  readonly wires: readonly (readonly [a: number, b: number, more?: Partial<Omit<Plan['wires'][number], 'ends'>>])[];
  readonly publishers?: readonly PublisherPlan[];
  readonly consumers?: readonly ConsumerPlan[];
  readonly queues?: readonly QueuePlan[];
  readonly receivers?: readonly ReceiverPlan[];
  readonly faults?: readonly Fault[];
  readonly rules?: readonly AddressRule[];
  readonly limits?: Partial<Plan['limits']>;
  readonly healAt?: number;
  readonly quietWithinMs?: number;
}

export const SCENE_RULES: readonly AddressRule[] = [
  rule('t.#', 'topic', { blockForMs: 600_000 }),
  rule('m.#', 'multicast'),
  rule('a.#', 'anycast'),
];

export function planOfScene(scene: Scene): Plan {
  return {
    seed: 1,
    shape: 'web',
    nodes: scene.nodes,
    wires: scene.wires.map(([a, b, more]) => ({ ends: [a, b], cost: 10, quality: {}, ...more })),
    limits: { ...DEFAULT_LIMITS, partitionHoldMs: 10_000, startHoldMs: 3_000, ...scene.limits },
    publishers: scene.publishers ?? [],
    consumers: scene.consumers ?? [],
    queues: scene.queues ?? [],
    subscriptions: [],
    receivers: scene.receivers ?? [],
    faults: scene.faults ?? [],
    rules: [...(scene.rules ?? SCENE_RULES), ...rulesOfQueues(scene.queues ?? [])],
    trafficFrom: 2_200,
    healAt: scene.healAt ?? 8_000,
    quietWithinMs: scene.quietWithinMs ?? QUIET_WITHIN_MS,
  };
}

/** A publisher of small messages, 50 a second unless it says otherwise. */
export function publisher(node: number, address: string, more: Partial<PublisherPlan> = {}): PublisherPlan {
  return { node, address, everyMs: 20, burst: 1, bytes: [40, 200], large: 0, largeBytesMax: 0, ...more };
}

/** A consumer that takes everything at once. */
export function consumer(node: number, address: string, more: Partial<ConsumerPlan> = {}): ConsumerPlan {
  return { node, address, perTurn: Infinity, settleAfterMs: 0, rejects: 0, lossy: false, ...more };
}

/** A consumer of a queue that accepts everything at once. */
export function receiver(node: number, queue: string, more: Partial<ReceiverPlan> = {}): ReceiverPlan {
  return { node, queue, credit: 20, settleAfterMs: 0, others: [], confirms: false, ...more };
}

export const LINE_OF_3 = [
  [0, 1],
  [1, 2],
] as const;
export const TRIANGLE = [
  [0, 1],
  [1, 2],
  [2, 0],
] as const;
export const RING_OF_4 = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 0],
] as const;
