import type { MeshCounters } from '../../src/mesh/contract';
import { checkLedger, type Problem } from './checker';
import { checkConvergence, checkQuiet, PoolWatch } from './end-checks';
import { healAll, scheduleFaults } from './faults';
import { MeshOracle } from './mesh-oracle';
import { planOf, type Plan } from './plan';
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
}

export interface RunReport {
  readonly plan: Plan;
  readonly world: World;
  readonly problems: readonly Problem[];
  readonly occurrences: Occurrences;
  readonly messages: number;
  readonly deliveries: number;
  readonly virtualMs: number;
}

const CONSUMERS_FROM_MS = 400;
const CONSUMERS_TO_MS = 2_000;
/** Publishers go on for this long after the last fault. */
const AFTER_HEAL_MS = 1_000;
/** All routes are right by then (G7): dead interval + 1 s, and what redialling a wire takes. */
const CONVERGED_WITHIN_MS = 3_000;

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
  problems.push(...checkQuiet(world), ...pools.problems);
  problems.push(...checkLedger(world.ledger, new MeshOracle(world.connectivity, plan.limits.partitionHoldMs)));
  const { publishers, consumers } = world.ledger;
  return {
    plan,
    world,
    problems,
    occurrences: occurrencesOf(world),
    messages: publishers.reduce((sum, { sent }) => sum + sent.length, 0),
    deliveries: consumers.reduce((sum, { got }) => sum + got.length, 0),
    virtualMs: time.now,
  };
}

/** Nothing of the publishers' messages waits anywhere. */
function awaitQuiet(world: World, until: number): boolean {
  const { time } = world;
  const settled = (): boolean =>
    world.publishers.every(({ client }) => client === null || (client.idle && client.settled)) &&
    world.consumers.every(({ client }) => client === null || client.waiting === 0) &&
    world.nodes.every(({ node }) => node?.pools().every(({ name, used }) => name === 'ingress' || used === 0) ?? true);
  while (time.now < until) {
    time.runUntil(time.now + 100);
    if (settled()) return true;
  }
  return false;
}

function occurrencesOf(world: World): Occurrences {
  const all: MeshCounters[] = world.nodes.flatMap(({ node, formerCounters }) => [
    ...formerCounters,
    ...(node === null ? [] : [node.counters()]),
  ]);
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
  };
}
