#!/usr/bin/env node
/**
 * The demo: three nodes in a line, clients at each, a link that is cut and heals. Started by scripts/demo.mjs, which
 * installs and builds first.
 *
 *   --once   ends by itself: 0 when everything arrived once and in order, else 1
 */
import { setTimeout as pause } from 'node:timers/promises';
import { PrepareError, main, say } from './lib/prepare.mjs';
import { Screen } from './demo/screen.mjs';
import { Sites } from './demo/sites.mjs';
import { Traffic } from './demo/traffic.mjs';

const BEFORE_CUT_MS = 3_000;
const CUT_MS = 3_000;
const AFTER_HEAL_MS = 2_000;
/** Far above what the mesh needs; only bounds a demo that goes wrong. */
const ARRIVE_MS = 60_000;
const LOOK_MS = 50;
const NODE_FIRST_MS = 500;
/** While it waits for Ctrl-C the demo goes on at a trickle, so that there is something to receive. */
const TRICKLE = 100;

class Interrupted extends Error {}

/** Asks again and again. @returns false when the answer was no for too long */
async function comes(signal, probe) {
  const end = performance.now() + ARRIVE_MS;
  while (performance.now() < end) {
    if (await probe()) return true;
    await pause(LOOK_MS, undefined, { signal });
  }
  return false;
}

async function until(what, signal, probe) {
  if (!(await comes(signal, probe))) throw new PrepareError(`Not within ${ARRIVE_MS / 1000} s: ${what}.`);
}

async function joined(sites, signal) {
  await until('the three nodes know each other', signal, async () => {
    const { nodes } = await sites.ask('laptop', '/api/v1/nodes');
    return nodes.filter(({ reachable }) => reachable).length === 3;
  });
}

/** Is the link up, as its own node sees it? */
async function linkIs(sites, state, signal) {
  await until(`the link to the public cloud is ${state}`, signal, async () => {
    const { links } = await sites.ask('private', '/api/v1/links');
    return links.some((link) => link.name === 'to-public' && (link.state === 'up') === (state === 'up'));
  });
}

/** The story. @returns whether everything arrived once, in order, and was accepted */
async function play(sites, traffic, screen, signal) {
  const wait = (ms) => pause(ms, undefined, { signal });
  traffic.start();
  screen.begin();
  screen.say('', 'The laptop publishes; both clouds subscribe; a service in the public cloud answers.');
  await wait(BEFORE_CUT_MS);
  screen.say('✂  The link between the private and the public cloud is cut. The laptop goes on publishing …');
  await sites.cable.cut();
  await linkIs(sites, 'down', signal);
  await wait(CUT_MS);
  const { missing } = traffic.all;
  await sites.cable.plug();
  screen.say(`⚯  The link is plugged in again; ${missing} orders wait for it on the laptop.`);
  await linkIs(sites, 'up', signal);
  await wait(AFTER_HEAL_MS);
  traffic.stop();
  if (!(await comes(signal, () => traffic.settled)))
    screen.say(`Not everything has arrived within ${ARRIVE_MS / 1000} s.`);
  screen.end();
  return traffic.flows.every(({ good }) => good);
}

function verdict(traffic, good) {
  say('');
  if (good) {
    say('✓ Everything arrived, once and in order: the cut lost nothing.');
    return say('  (p50 and p99 to the public cloud hold the wait for the link.)');
  }
  for (const flow of traffic.flows.filter((other) => !other.good)) {
    const refused = [...flow.refused].map(([why, count]) => `${count} ${why}`).join(', ');
    const counts = `${flow.missing} missing, ${flow.doubled} doubled, ${flow.disordered} out of order`;
    say(`✗ ${flow.what.replace(/ +/g, ' ')} to ${flow.to}: ${counts}${refused ? `, ${refused}` : ''}`);
  }
}

function whatNext(sites) {
  say(`
The nodes run on; the demo publishes a little. In another terminal:

  npx fairlead receive 'topic/orders.#' --url ${sites.url('public')}
  npx fairlead send topic/orders.new.eu 'my order' --url ${sites.url('laptop')}
  npx fairlead links --api ${sites.http('private')}
  npx fairlead link set to-public --cost 50 --api ${sites.http('private')}
  curl ${sites.http('laptop')}/health/links
  curl ${sites.http('public')}/metrics

In a browser: ${sites.http('laptop')}/

Ctrl-C ends the demo.`);
}

/** Everything up to the verdict, one after the other; ends early when the signal says so. @returns whether all is good */
async function story(sites, traffic, screen, signal) {
  say('Three sites in a line:  laptop ── private cloud ── public cloud');
  await sites.start();
  await joined(sites, signal);
  await traffic.open();
  const good = await play(sites, traffic, screen, signal);
  verdict(traffic, good);
  return good;
}

async function demo({ once }, interrupted) {
  const sites = new Sites({ friendlyPorts: !once });
  const traffic = new Traffic(sites);
  const screen = new Screen(traffic.flows);
  // A node that dies takes its clients along: the node is what to tell of.
  const lost = traffic.failed.catch((error) => pause(NODE_FIRST_MS).then(() => Promise.reject(error)));
  const troubles = [sites.died, lost, interrupted];
  const abort = new AbortController();
  const told = story(sites, traffic, screen, abort.signal);
  told.catch(() => undefined); // whoever loses the race below has nothing to say
  try {
    const good = await Promise.race([...troubles, told]);
    if (!good || once) return good ? 0 : 1;
    whatNext(sites);
    traffic.start(TRICKLE);
    return await Promise.race(troubles);
  } finally {
    abort.abort();
    screen.stop();
    await traffic.close().catch((error) => say(error.message));
    await sites.stop();
  }
}

await main(async (args) => {
  const unknown = args.find((argument) => argument !== '--once');
  if (unknown) throw new PrepareError(`Unknown option ${unknown}; known: --once`);
  const once = args.includes('--once');
  let interrupt;
  const interrupted = new Promise((_, reject) => (interrupt = () => reject(new Interrupted())));
  interrupted.catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt);
  try {
    return await demo({ once }, interrupted);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say(once ? 'Interrupted.' : 'The demo has ended.');
    return once ? 1 : 0;
  }
});
