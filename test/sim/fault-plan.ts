import type { MeshLimits } from '../../src/mesh/contract';
import type { Dice } from './dice';

/** What a fault does, by kind; wires, nodes and consumers are numbers in the plan. */
export type FaultWhat =
  | { readonly kind: 'cut'; readonly wire: number }
  | { readonly kind: 'hole'; readonly wire: number; readonly side: 0 | 1 }
  | { readonly kind: 'loss'; readonly wire: number; readonly probability: number }
  | { readonly kind: 'delay'; readonly wire: number; readonly latencyMs: number }
  | { readonly kind: 'slow'; readonly wire: number }
  | { readonly kind: 'flap'; readonly wire: number; readonly everyMs: number }
  | { readonly kind: 'damage'; readonly wire: number }
  | { readonly kind: 'cost'; readonly wire: number; readonly cost: number }
  | { readonly kind: 'restart'; readonly node: number; readonly loseDisk: boolean }
  | { readonly kind: 'stop'; readonly node: number }
  | { readonly kind: 'drain'; readonly node: number }
  | { readonly kind: 'partition'; readonly side: readonly number[] }
  | { readonly kind: 'twin'; readonly node: number; readonly beside: number }
  | { readonly kind: 'wall'; readonly node: number; readonly ms: number }
  | { readonly kind: 'conflict'; readonly node: number }
  | { readonly kind: 'stuck'; readonly consumer: number }
  | { readonly kind: 'roam'; readonly consumer: number }
  | { readonly kind: 'hold'; readonly receiver: number }
  | { readonly kind: 'leave'; readonly receiver: number; readonly failed: boolean }
  | { readonly kind: 'disk'; readonly node: number; readonly state: 'full' | 'failed' }
  /** A queue is to live at another node: an operator asks for that until it does, or the fault is over. */
  | { readonly kind: 'rehome'; readonly queue: string; readonly to: number };

export type FaultKind = FaultWhat['kind'];

/** A fault that begins at `at` and is healed `forMs` later. */
export type Fault = FaultWhat & { readonly at: number; readonly forMs: number };

/** What there is to break. */
export interface Breakable {
  readonly nodes: number;
  readonly wires: number;
  readonly consumers: number;
  readonly limits: MeshLimits;
}

/** What there is to break about queues. */
export interface BreakableQueues {
  /** Where they live. */
  readonly homes: readonly number[];
  readonly nodes: number;
  /** Nodes of their consumers. */
  readonly receivers: readonly number[];
  readonly limits: MeshLimits;
}

const HOUR_MS = 3_600_000;
/** How long a drain may take before the node goes all the same, and what it leaves its links for their goodbyes. */
export const DRAIN_MS = 2_000;
export const LEAVE_MS = 1_000;

type Make = (what: Breakable, dice: Dice) => readonly [forMs: number, fault: FaultWhat];

type MakeOfQueues = (what: BreakableQueues, dice: Dice) => readonly [forMs: number, fault: FaultWhat];

/** How each kind is drawn; short ones heal well within `partitionHold`, long ones well after it. */
const MAKE: Readonly<
  Record<Exclude<FaultKind, 'hold' | 'leave' | 'disk' | 'rehome'>, readonly [weight: number, Make]>
> = {
  cut: [6, (on, dice) => [span(on, dice), { kind: 'cut', wire: dice.below(on.wires) }]],
  hole: [3, (on, dice) => [dice.between(300, 2_700), { kind: 'hole', wire: dice.below(on.wires), side: bit(dice) }]],
  loss: [
    3,
    (on, dice) => [
      dice.between(500, 3_000),
      { kind: 'loss', wire: dice.below(on.wires), probability: dice.pick([0.02, 0.1, 0.3, 1]) },
    ],
  ],
  delay: [2, (on, dice) => [dice.between(500, 4_000), { kind: 'delay', wire: dice.below(on.wires), latencyMs: 250 }]],
  slow: [3, (on, dice) => [dice.between(500, 3_000), { kind: 'slow', wire: dice.below(on.wires) }]],
  flap: [2, (on, dice) => [dice.between(1_000, 2_000), { kind: 'flap', wire: dice.below(on.wires), everyMs: 200 }]],
  damage: [2, (on, dice) => [1_000, { kind: 'damage', wire: dice.below(on.wires) }]],
  cost: [4, (on, dice) => [0, { kind: 'cost', wire: dice.below(on.wires), cost: dice.pick([1, 5, 10, 40, 500]) }]],
  restart: [
    4,
    (on, dice) => [
      dice.pick([50, 400, 2_000]),
      { kind: 'restart', node: dice.below(on.nodes), loseDisk: dice.chance(0.3) },
    ],
  ],
  stop: [3, (on, dice) => [dice.pick([300, 1_000, 2_500]), { kind: 'stop', node: dice.below(on.nodes) }]],
  drain: [
    2,
    (on, dice) => [DRAIN_MS + LEAVE_MS + dice.between(300, 1_500), { kind: 'drain', node: dice.below(on.nodes) }],
  ],
  partition: [
    3,
    (on, dice) => [
      span(on, dice),
      { kind: 'partition', side: Array.from({ length: on.nodes }, (_, n) => n).filter(() => dice.chance(0.5)) },
    ],
  ],
  twin: [1, (on, dice) => [3_000, { kind: 'twin', node: dice.below(on.nodes), beside: dice.below(on.nodes) }]],
  wall: [1, (on, dice) => [0, { kind: 'wall', node: dice.below(on.nodes), ms: dice.chance(0.5) ? HOUR_MS : -HOUR_MS }]],
  conflict: [1, (on, dice) => [0, { kind: 'conflict', node: dice.below(on.nodes) }]],
  stuck: [3, (on, dice) => [dice.pick([1_000, 3_000, 8_000]), { kind: 'stuck', consumer: dice.below(on.consumers) }]],
  roam: [4, (on, dice) => [500, { kind: 'roam', consumer: dice.below(on.consumers) }]],
};

/** Faults of those that queues have to do with. */
const MAKE_OF_QUEUES: readonly (readonly [weight: number, MakeOfQueues])[] = [
  [6, ({ homes }, dice) => restart(dice.pick(homes), 0.3, dice)],
  [2, ({ receivers }, dice) => restart(dice.pick(receivers), 0.3, dice)],
  [1, ({ nodes }, dice) => restart(dice.below(nodes), 0.3, dice)],
  [3, ({ homes, limits }, dice) => [span({ limits }, dice), { kind: 'partition', side: [dice.pick(homes)] }]],
  [
    2,
    ({ receivers }, dice) => [
      dice.pick([1_000, 3_000, 8_000]),
      { kind: 'hold', receiver: dice.below(receivers.length) },
    ],
  ],
  [
    4,
    ({ receivers }, dice) => [
      dice.pick([0, 100, 1_000]),
      { kind: 'leave', receiver: dice.below(receivers.length), failed: dice.chance(0.5) },
    ],
  ],
  [
    2,
    ({ homes }, dice) => [
      dice.pick([50, 1_000]),
      { kind: 'disk', node: dice.pick(homes), state: dice.pick(['full', 'failed']) },
    ],
  ],
];

function restart(node: number, losesDisk: number, dice: Dice): readonly [number, FaultWhat] {
  return [dice.pick([50, 400, 2_000]), { kind: 'restart', node, loseDisk: dice.chance(losesDisk) }];
}

function bit(dice: Dice): 0 | 1 {
  return dice.chance(0.5) ? 1 : 0;
}

function span({ limits }: Pick<Breakable, 'limits'>, dice: Dice): number {
  return dice.chance(0.25) ? limits.partitionHoldMs + dice.between(2_000, 3_000) : dice.between(100, 2_500);
}

const FAULTS_FROM_MS = 2_000;
const FAULTS_TO_MS = 5_000;

export function planFaults(on: Breakable, dice: Dice): Fault[] {
  const many: Many = [
    [1, 0],
    [3, 1],
    [4, 2],
    [4, 3],
    [2, 5],
  ];
  return draw(on, many, Object.values(MAKE), dice);
}

/** Faults of a run with queues, beside the others. */
export function planQueueFaults(on: BreakableQueues, dice: Dice): Fault[] {
  const many: Many = [
    [1, 0],
    [4, 1],
    [4, 2],
    [2, 4],
  ];
  return draw(on, many, MAKE_OF_QUEUES, dice);
}

/** A queue, and the nodes where it may live. */
export interface Movable {
  readonly queue: string;
  readonly nodes: readonly number[];
}

const MOVE_MS = 3_000;

/** Operators who want queues to live elsewhere, also while the last one is not done. */
export function planMoves(movable: readonly Movable[], dice: Dice): Fault[] {
  if (movable.length === 0) return [];
  return Array.from({ length: dice.between(0, 3) }, (): Fault => {
    const { queue, nodes } = dice.pick(movable);
    const at = dice.between(FAULTS_FROM_MS, FAULTS_TO_MS);
    return { kind: 'rehome', queue, to: dice.pick(nodes), at, forMs: MOVE_MS };
  });
}

type Many = readonly (readonly [weight: number, faults: number])[];

function draw<W>(
  on: W,
  many: Many,
  kinds: readonly (readonly [
    weight: number,
    make: (on: W, dice: Dice) => readonly [forMs: number, fault: FaultWhat],
  ])[],
  dice: Dice,
): Fault[] {
  const faults: Fault[] = [];
  for (let left = dice.weighted(many); left > 0; left--) {
    const [forMs, fault] = dice.weighted(kinds)(on, dice);
    faults.push({ ...fault, at: dice.between(FAULTS_FROM_MS, FAULTS_TO_MS), forMs });
  }
  return byTime(faults);
}

export function byTime(faults: readonly Fault[]): Fault[] {
  return [...faults].sort((a, b) => a.at - b.at);
}
