import type { AddressRule, MeshLimits } from '../../src/mesh/contract';
import type { QueuePolicy } from '../../src/queues/contract';
import { OUTCOME } from '../../src/streams/contract';
import type { Dice } from './dice';
import { planQueueFaults, type Fault } from './fault-plan';
import type { PublisherPlan } from './sim-publisher';
import type { ReceiverPlan } from './sim-receiver';
import { rule } from './virtual-mesh';

export interface QueuePlan {
  readonly name: string;
  /** Number of the node where its rule wants it. */
  readonly home: number;
  /** What its rule says beside. */
  readonly policy?: Partial<QueuePolicy>;
}

/** What a run does with queues, beside the rest. */
export interface QueuesPlan {
  readonly queues: readonly QueuePlan[];
  readonly publishers: readonly PublisherPlan[];
  readonly receivers: readonly ReceiverPlan[];
  readonly faults: readonly Fault[];
}

export const NO_QUEUES: QueuesPlan = { queues: [], publishers: [], receivers: [], faults: [] };

const KIB = 1024;

/** None lets messages go that were accepted. */
const POLICIES: readonly (readonly [weight: number, Partial<QueuePolicy>])[] = [
  [6, {}],
  [1, { maxDepth: 40, overLimit: 'block' }],
  [1, { maxBytes: 60 * KIB, overLimit: 'block' }],
  [1, { maxDepth: 60, overLimit: 'reject' }],
  [2, { retryMs: 150 }],
  [1, { locality: 'prefer' }],
];

export function planQueues(nodes: number, limits: MeshLimits, dice: Dice): QueuesPlan {
  const count = dice.weighted([
    [5, 1],
    [3, 2],
    [1, 3],
  ]);
  const queues = Array.from({ length: count }, (_, n) => ({
    name: `q.${n}`,
    home: dice.below(nodes),
    policy: dice.weighted(POLICIES),
  }));
  const times = <T>(min: number, max: number, plan: (queue: QueuePlan) => T): T[] =>
    queues.flatMap((queue) => Array.from({ length: dice.between(min, max) }, () => plan(queue)));
  const publishers = times(1, 2, (queue) => planPublisher(queue, nodes, dice));
  const receivers = times(2, 3, (queue) => planReceiver(queue, nodes, dice));
  const on = { homes: queues.map(({ home }) => home), nodes, receivers: receivers.map(({ node }) => node), limits };
  return { queues, publishers, receivers, faults: planQueueFaults(on, dice) };
}

/** Names where each queue lives. */
export function rulesOfQueues(queues: readonly QueuePlan[]): AddressRule[] {
  return queues.map(({ name, home, policy }) => rule(name, 'queue', { home: `n${home}`, ...policy }));
}

function near({ home }: QueuePlan, nodes: number, dice: Dice): number {
  return dice.chance(0.3) ? home : dice.below(nodes);
}

function planPublisher(queue: QueuePlan, nodes: number, dice: Dice): PublisherPlan {
  const pace = dice.weighted<Pick<PublisherPlan, 'everyMs' | 'burst' | 'bytes'>>([
    [5, { everyMs: dice.between(15, 100), burst: 1, bytes: [8, 300] }],
    [2, { everyMs: 20, burst: dice.between(2, 4), bytes: [8, 1_000] }],
    [1, { everyMs: dice.between(40, 100), burst: 1, bytes: [8, 60_000] }],
  ]);
  const large = dice.chance(0.2) ? 0.02 : 0;
  const priority = dice.weighted<number | undefined>([
    [6, undefined],
    [1, 1],
    [1, 9],
  ]);
  return { node: near(queue, nodes, dice), address: queue.name, ...pace, large, largeBytesMax: 400 * KIB, priority };
}

function planReceiver(queue: QueuePlan, nodes: number, dice: Dice): ReceiverPlan {
  return {
    node: near(queue, nodes, dice),
    queue: queue.name,
    credit: dice.pick([1, 5, 30, 200]),
    settleAfterMs: dice.pick([0, 0, 5, 50]),
    others: dice.chance(0.5)
      ? []
      : [
          [OUTCOME.released, 0.02],
          [OUTCOME.modifiedFailed, 0.02],
          [OUTCOME.modified, 0.01],
          [OUTCOME.rejected, 0.02],
        ],
    confirms: dice.chance(0.5),
  };
}
