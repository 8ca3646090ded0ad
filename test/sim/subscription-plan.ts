import type { ConsumerHandler } from '../../src/addresses/contract';
import { subscriptionQueue } from '../../src/addresses/reserved-names';
import type { MeshLimits } from '../../src/mesh/contract';
import type { Dice } from './dice';
import type { Fault, Movable } from './fault-plan';
import type { PublisherPlan } from './sim-publisher';
import type { ReceiverPlan } from './sim-receiver';
import type { VirtualNode } from './virtual-mesh';

/** Whose the subscriptions of a run are. */
export const CLIENT = 'sim';
const TOPICS = ['s.0', 's.1'] as const;
const LARGE_BYTES_MAX = 400 * 1024;
const FAULTS_FROM_MS = 2_000;
const FAULTS_TO_MS = 5_000;

export interface SubscriptionPlan {
  readonly name: string;
  readonly topic: string;
  /** Number of the node where it is made. */
  readonly home: number;
  readonly shared: boolean;
}

/** What a run does with subscriptions, beside the rest. */
export interface SubscriptionsPlan {
  readonly subscriptions: readonly SubscriptionPlan[];
  readonly publishers: readonly PublisherPlan[];
  readonly receivers: readonly ReceiverPlan[];
  readonly faults: readonly Fault[];
}

export const NO_SUBSCRIPTIONS: SubscriptionsPlan = { subscriptions: [], publishers: [], receivers: [], faults: [] };

/** What else the run does. */
export interface Beside {
  readonly nodes: number;
  /** Consumers of queues. */
  readonly receivers: number;
  readonly limits: MeshLimits;
  readonly faults: readonly Fault[];
}

/** A subscription as the ledger calls it. */
export function queueOf({ topic, name }: SubscriptionPlan): string {
  return `${topic}/${name}`;
}

/** The same as nodes call it. */
export function nameOf({ name }: Pick<SubscriptionPlan, 'name'>): string {
  return subscriptionQueue({ name, client: CLIENT }, true);
}

/** They may live where nothing becomes of the disk. */
export function movable(subscriptions: readonly SubscriptionPlan[], on: Pick<Beside, 'nodes' | 'faults'>): Movable[] {
  const nodes = safeNodes(on);
  return subscriptions.map((one) => ({ queue: nameOf(one), nodes }));
}

function safeNodes({ nodes, faults }: Pick<Beside, 'nodes' | 'faults'>): number[] {
  return Array.from({ length: nodes }, (_, n) => n).filter((n) => !faults.some((f) => losesDisk(f, n)));
}

/** What is kept is on the disks of homes and of those who publish: these keep theirs. */
export function planSubscriptions(on: Beside, dice: Dice): SubscriptionsPlan {
  const safe = safeNodes(on);
  if (safe.length === 0) return NO_SUBSCRIPTIONS;
  const topics = TOPICS.slice(0, dice.between(1, TOPICS.length));
  const subscriptions = Array.from({ length: dice.between(1, 3) }, (_, n) => ({
    name: `sub${n}`,
    topic: dice.pick(topics),
    home: dice.pick(safe),
    shared: dice.chance(0.4),
  }));
  const publishers = topics.map((topic) => planPublisher(topic, dice.pick(safe), dice));
  const receivers = subscriptions.flatMap((subscription) =>
    Array.from({ length: subscription.shared ? 2 : 1 }, () => planReceiver(subscription, on.nodes, dice)),
  );
  const homes = subscriptions.map(({ home }) => home);
  const ends = [...homes, ...publishers.map(({ node }) => node)];
  const faults = Array.from({ length: dice.between(0, 3) }, () =>
    planFault(on, ends, on.receivers + dice.below(receivers.length), dice),
  );
  return { subscriptions, publishers, receivers, faults };
}

/** A node whose disk is gone may make again what lives elsewhere by now; of two that become one the order is not promised. */
export function mayDouble(faults: readonly Fault[]): boolean {
  return faults.some((fault) => fault.kind === 'twin' || (fault.kind === 'restart' && fault.loseDisk));
}

/** What is on its disk is gone. */
function losesDisk(fault: Fault, node: number): boolean {
  if (fault.kind === 'restart') return fault.loseDisk && fault.node === node;
  return fault.kind === 'twin' && fault.node === node;
}

function planPublisher(topic: string, node: number, dice: Dice): PublisherPlan {
  const pace = dice.weighted<Pick<PublisherPlan, 'everyMs' | 'burst' | 'bytes'>>([
    [5, { everyMs: dice.between(15, 100), burst: 1, bytes: [8, 300] }],
    [2, { everyMs: 20, burst: dice.between(2, 4), bytes: [8, 1_000] }],
    [1, { everyMs: dice.between(40, 100), burst: 1, bytes: [8, 50_000] }],
  ]);
  const large = dice.chance(0.3) ? 0.02 : 0;
  return { node, address: topic, ...pace, large, largeBytesMax: LARGE_BYTES_MAX, kept: true };
}

function planReceiver(subscription: SubscriptionPlan, nodes: number, dice: Dice): ReceiverPlan {
  return {
    node: dice.chance(0.3) ? subscription.home : dice.below(nodes),
    queue: queueOf(subscription),
    subscription,
    credit: dice.pick([1, 5, 30, 200]),
    settleAfterMs: dice.pick([0, 0, 5, 50]),
    others: [],
    confirms: dice.chance(0.5),
  };
}

function planFault({ limits }: Beside, ends: readonly number[], receiver: number, dice: Dice): Fault {
  const at = dice.between(FAULTS_FROM_MS, FAULTS_TO_MS);
  const node = dice.pick(ends);
  const short = dice.pick([50, 400, 2_000]);
  const cut = dice.chance(0.25) ? limits.partitionHoldMs + dice.between(2_000, 3_000) : dice.between(100, 2_500);
  return dice.weighted<Fault>([
    [4, { kind: 'restart', node, loseDisk: false, at, forMs: short }],
    [2, { kind: 'partition', side: [node], at, forMs: cut }],
    [1, { kind: 'disk', node, state: dice.pick(['full', 'failed']), at, forMs: dice.pick([50, 1_000]) }],
    [1, { kind: 'leave', receiver, failed: dice.chance(0.5), at, forMs: dice.pick([0, 100, 1_000]) }],
  ]);
}

export function isKnown(node: VirtualNode, { name }: SubscriptionPlan): boolean {
  return node.alive && node.running.addresses.findSubscription({ name, client: CLIENT }) !== null;
}

/** Makes a subscription at its home. @param made told once it is confirmed */
export function makeSubscription(node: VirtualNode, plan: SubscriptionPlan, made: () => void): void {
  const { name, topic, shared } = plan;
  const nothing = (): void => undefined;
  const handler: ConsumerHandler = {
    ready: () => false,
    credit: () => 0,
    deliver: nothing,
    deliverLarge: nothing,
    onGap: nothing,
    onConfirmed: () => {
      consumer.close();
      made();
    },
    onSettled: nothing,
    onDrained: nothing,
    onGone: nothing,
  };
  const consumer = node.running.addresses.openConsumer(
    {
      address: topic,
      hint: 'topic',
      client: CLIENT,
      settled: false,
      subscription: { name, client: CLIENT, durable: true, shared },
    },
    handler,
  );
}
