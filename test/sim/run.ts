import type { MeshCounters } from '../../src/mesh/contract';
import { checkLedger } from './checker';
import { checkConvergence, checkDrained, checkQuiet, isDrained, PoolWatch } from './end-checks';
import { healAll, scheduleFaults } from './faults';
import type { Counts, LossTally } from './losses';
import { MeshOracle } from './mesh-oracle';
import { accountOf, JUDGED_REASONS, type Account } from './oracle';
import { planOf, type Plan } from './plan';
import type { Problem } from './problems';
import { QueueJudge, type QueueTally } from './queue-judge';
import { WorldQueueOracle } from './queue-oracle';
import { nameOf, queueOf } from './subscription-plan';
import { GOOD_WIRE } from './virtual-link';
import { World } from './world';

/** What occurred in a run: each must occur somewhere among all seeds, or the runs prove less than they seem to. */
export interface Occurrences {
  holds: number;
  restarts: number;
  congestionDrops: number;
  reroutes: number;
  shutWindows: number;
  gapReports: number;
  chokes: number;
  gapEvents: number;
  overflows: number;
  barrierTimeouts: number;
  startHolds: number;
  /** Of runs with queues: puts sent again, puts answered from what the home remembered, circuits opened again. */
  putsResent: number;
  putsRepeated: number;
  circuitsReopened: number;
  /** Consumers that were ended because the way to their queue broke. */
  interrupted: number;
  /** Messages of queues that were taken for good, deliveries of such as had been delivered, settlements that were confirmed. */
  consumed: number;
  redelivered: number;
  confirmed: number;
  lostWithDisk: number;
  /** Queues, and subscriptions, that lived elsewhere in the end than they were made. */
  movedQueues: number;
  movedSubscriptions: number;
  /** Deliveries that were owed and came, and those that did not and were counted. */
  arrived: number;
  counted: number;
}

export interface RunReport {
  readonly plan: Plan;
  readonly world: World;
  readonly problems: readonly Problem[];
  readonly occurrences: Occurrences;
  readonly losses: LossTally;
  readonly messages: number;
  readonly deliveries: number;
  readonly virtualMs: number;
}

const CONSUMERS_FROM_MS = 400;
const CONSUMERS_TO_MS = 2_000;
/** Nodes have found each other by then. */
const SUBSCRIPTIONS_AT_MS = 800;
/** Publishers go on for this long after the last fault. */
const AFTER_HEAL_MS = 1_000;
/** All routes are right by then (G7): dead interval + 1 s, and what redialling a wire takes. */
const CONVERGED_WITHIN_MS = 3_000;

/** Delay of an acknowledgement beside its way: gathered, and the repeat of a lost one; and behind a full slow wire, or with losses. */
const ACKNOWLEDGED_MS = 300;
const ACKNOWLEDGED_LATE_MS = 1_500;

/** Runs one seed from start to end and judges it. */
export function runSeed(seed: number): RunReport {
  return runPlan(planOf(seed));
}

/** @param script what else is to happen and to be looked at, put on the world's time before it begins */
export function runPlan(plan: Plan, script: (world: World) => void = () => undefined): RunReport {
  const world = new World(plan);
  const { time } = world;
  script(world);
  const pools = new PoolWatch(world);
  const problems: Problem[] = [];
  world.startNodes(300);
  world.openConsumers(CONSUMERS_FROM_MS, CONSUMERS_TO_MS);
  world.makeSubscriptions(SUBSCRIPTIONS_AT_MS);
  world.openReceivers(CONSUMERS_FROM_MS, CONSUMERS_TO_MS);
  time.at(plan.trafficFrom, () => world.openPublishers());
  scheduleFaults(world);
  time.runUntil(plan.healAt);
  healAll(world);
  time.runUntil(plan.healAt + AFTER_HEAL_MS);
  world.stopPublishers();
  time.runUntil(plan.healAt + CONVERGED_WITHIN_MS);
  problems.push(...checkConvergence(world));
  const quiet = awaitQuiet(world, plan.healAt + plan.quietWithinMs);
  if (!quiet) problems.push(`G5: not quiet ${plan.quietWithinMs} ms after the heal`);
  problems.push(...checkDrained(world), ...checkQuiet(world), ...pools.problems);
  const oracle = new MeshOracle(world.ledger, world.connectivity, plan.limits.partitionHoldMs, acknowledgedMs(plan));
  const { problems: broken, losses } = checkLedger(world.ledger, oracle, countsOf(world));
  const kept = plan.subscriptions.map((one) => ({ topic: one.topic, queue: queueOf(one) }));
  const queues = new QueueJudge(world.ledger, queueOracleOf(world), kept);
  problems.push(...broken, ...queues.judge());
  const { publishers, consumers } = world.ledger;
  return {
    plan,
    world,
    problems,
    occurrences: { ...occurrencesOf(world), ...queues.tally, arrived: losses.arrived, counted: losses.counted },
    losses,
    messages: publishers.reduce((sum, { sent }) => sum + sent.length, 0),
    deliveries: consumers.reduce((sum, { got }) => sum + got.length, world.ledger.queueDeliveries.length),
    virtualMs: time.now,
  };
}

/** Nothing of the publishers' messages waits anywhere. */
function awaitQuiet(world: World, until: number): boolean {
  const { time } = world;
  const settled = (): boolean =>
    world.publishers.every(({ client }) => client === null || (client.idle && client.settled)) &&
    world.consumers.every(({ client }) => client === null || client.waiting === 0) &&
    isDrained(world) &&
    world.nodes.every(({ node }) => node?.pools().every(({ name, used }) => name === 'ingress' || used === 0) ?? true);
  while (time.now < until) {
    time.runUntil(time.now + 100);
    if (settled()) return true;
  }
  return false;
}

function queueOracleOf({ connectivity, plan, diskLosses, nodes }: World): WorldQueueOracle {
  const homes = new Map(plan.queues.map(({ name, home }) => [name, [nodes[home]?.name ?? '']]));
  for (const one of plan.subscriptions) homes.set(queueOf(one), [nodes[one.home]?.name ?? '']);
  const told = new Map(plan.subscriptions.map((one) => [nameOf(one), queueOf(one)]));
  for (const fault of plan.faults)
    if (fault.kind === 'rehome') homes.get(told.get(fault.queue) ?? fault.queue)?.push(nodes[fault.to]?.name ?? '');
  return new WorldQueueOracle(connectivity, homes, diskLosses, plan.limits.partitionHoldMs, wayMs(plan));
}

/** How long a delivery may be on its way; a node that stands still has it in its sockets for as long. */
function wayMs(plan: Plan): number {
  return plan.faults.reduce((sum, { kind, forMs }) => sum + (kind === 'stop' ? forMs : 0), acknowledgedMs(plan));
}

/** The longest way for an acknowledgement, and what holds it up at either end; more where a fault holds up whole wires. */
function acknowledgedMs({ wires, faults }: Plan): number {
  const way = wires.reduce((sum, { quality }) => sum + (quality.latencyMs ?? GOOD_WIRE.latencyMs), 0);
  const late = faults.some(({ kind }) => kind === 'delay' || kind === 'slow' || kind === 'loss');
  return way + (late ? ACKNOWLEDGED_LATE_MS : ACKNOWLEDGED_MS);
}

/** What the nodes gave up of what somebody was owed, in every life of theirs. */
function countsOf(world: World): Counts {
  const counts = new Map<Account, number>();
  for (const node of world.nodes)
    for (const { life, counters } of node.counters())
      for (const reason of JUDGED_REASONS) {
        const count = counters.dropped.get(reason) ?? 0;
        if (count > 0) counts.set(accountOf(node.name, life, reason), count);
      }
  return counts;
}

function occurrencesOf(world: World): Omit<Occurrences, 'arrived' | 'counted' | keyof QueueTally> {
  const all: MeshCounters[] = world.nodes.flatMap((node) => node.counters().map(({ counters }) => counters));
  const sum = (of: (counters: MeshCounters) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    holds: sum(({ holds }) => holds),
    restarts: sum(({ restartsSeen }) => restartsSeen),
    congestionDrops: sum(({ congestionDrops }) => congestionDrops),
    reroutes: sum(({ reroutes }) => reroutes),
    shutWindows: sum(({ shutWindows }) => shutWindows),
    gapReports: sum(({ gapReports }) => gapReports),
    chokes: sum(({ chokes }) => chokes),
    gapEvents: sum(({ gaps }) => gaps),
    overflows: sum(({ overflows }) => overflows),
    barrierTimeouts: world.ledger.consumers.filter(({ unconfirmed }) => unconfirmed.length > 0).length,
    startHolds: world.nodes.reduce((total, { startHolds }) => total + startHolds, 0),
    putsResent: sum(({ putsResent }) => putsResent),
    putsRepeated: sum(({ putsRepeated }) => putsRepeated),
    circuitsReopened: sum(({ circuitsReopened }) => circuitsReopened),
    interrupted: world.ledger.receivers.filter(({ ended }) => ended === 'FL_QUEUE_INTERRUPTED').length,
    movedQueues: world.plan.queues.filter(({ name, home }) => isElsewhere(world, name, home)).length,
    movedSubscriptions: world.plan.subscriptions.filter((one) => isElsewhere(world, nameOf(one), one.home)).length,
  };
}

function isElsewhere({ nodes }: World, queue: string, home: number): boolean {
  const [first] = nodes;
  const [, at] = [...(first?.running.queueHomes() ?? [])].find(([name]) => name === queue) ?? [];
  return at !== undefined && at !== nodes[home]?.name;
}
