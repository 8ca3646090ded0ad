import { eventually } from '../support/eventually';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { metricOf } from './metrics';
import { pause } from './pause';
import { lengthOf } from './row-length';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const CUT_MS = lengthOf('F5', 0, 60_000);
const FLAP_MS = 200;
const FLAPS = lengthOf('F7', 15, 60_000 / FLAP_MS);
/** Until the pause between two dials is 1 to 3 s. */
const QUICK_DIALS = 6;
const DAMAGES = 5;
/** A generous multiple of the dead interval and a second. */
const REROUTE_MS_MAX = 10_000;

describe('links between live nodes, in a triangle with two parallel links on its cheap side', () => {
  let faulty: FaultyMesh;
  let work: Workload;

  beforeAll(async () => {
    const edges = ['a-b:10', 'b-c:10', 'b-c-2:10', 'a-c:50'];
    faulty = await FaultyMesh.start(['a', 'b', 'c'], edges, { document: { addresses: RULES } }, random.u32());
    const topic = { address: 'orders.#', wants: ORDERS };
    work = await Workload.start(
      faulty,
      [
        { at: 'c', by: 'rhea', ...topic },
        { at: 'c', by: 'proton', ...topic },
        { at: 'b', by: 'proton', ...topic },
        { at: 'c', by: 'rhea', address: 'alerts' },
        { at: 'a', by: 'proton', address: 'alerts' },
        { at: 'c', by: 'proton', address: 'quote.x', claim: 'share' },
        { at: 'b', by: 'rhea', address: 'quote.x', claim: 'share' },
      ],
      [
        { at: 'a', address: 'topic/orders.new', perSecond: 300 },
        { at: 'c', address: 'topic/orders.old', perSecond: 100, bodyBytes: 5_000 },
        { at: 'a', address: 'alerts', perSecond: 50 },
        { at: 'a', address: 'quote.x', perSecond: 100 },
      ],
    );
  }, CASE_MS);

  /** After each fault: heal, drain, check; the next fault meets flowing traffic. */
  afterEach(async () => {
    await work.healAndSettle();
    work.resume();
  }, CASE_MS);

  afterAll(() => work.close(), CASE_MS);

  it(
    'F5: a cut link with another path is left in the same turn, and one of two parallel links is not missed',
    async () => {
      for (const name of ['b-c', 'a-b', 'b-c-2']) {
        await faulty.link(name).cut();
        await work.progress();
        await pause(CUT_MS);
        await work.progress();
        await faulty.link(name).heal();
      }
    },
    CASE_MS + 3 * CUT_MS,
  );

  it(
    'F5: without another path all is held until the cut heals',
    async () => {
      await Promise.all(['a-b', 'a-c'].map((name) => faulty.link(name).cut()));
      const isAlone = async (): Promise<boolean> =>
        (await faulty.node('a').nodes()).every(({ node, reachable }) => reachable === (node === 'a'));
      await eventually('a is alone', isAlone);
      await pause(CUT_MS);
      await faulty.link('a-c').heal();
      await work.progress();
    },
    CASE_MS + CUT_MS,
  );

  it(
    'F6: a black hole in one direction is noticed within the dead interval',
    async () => {
      for (const [name, direction] of [
        ['a-b', 'up'],
        ['b-c', 'down'],
      ] as const) {
        const began = performance.now();
        faulty.link(name).blackHole(direction);
        await work.progress();
        const tookMs = performance.now() - began;
        note(`traffic flows ${Math.round(tookMs)} ms after the black hole on ${name}`);
        expect(tookMs).toBeLessThan(REROUTE_MS_MAX);
        const [dialler] = name.split('-') as ['a' | 'b'];
        await eventually(`${name} is given up`, async () => {
          const row = (await faulty.node(dialler).links()).find((link) => link.name === name);
          return row?.state !== 'up';
        });
        await faulty.link(name).heal();
      }
    },
    CASE_MS,
  );

  it(
    'F6: a connection of which only one end knows that it broke',
    async () => {
      faulty.link('a-b').halfOpen('dialler');
      await work.progress();
      await faulty.link('a-b').heal();
      faulty.link('b-c').halfOpen('listener');
      faulty.link('b-c-2').halfOpen('listener');
      await work.progress();
    },
    CASE_MS,
  );

  it(
    'F7: a flapping link',
    async () => {
      const link = faulty.link('a-b');
      const before = link.accepted;
      const began = performance.now();
      for (let n = 0; n < FLAPS; n++) {
        await link.cut();
        await pause(FLAP_MS / 2);
        await link.heal();
        await pause(FLAP_MS / 2);
      }
      const dials = link.accepted - before;
      note(`${dials} dials for ${FLAPS} flaps`);
      // Dialling backs off, so that a link which does not stay is tried less and less often.
      expect(dials).toBeLessThanOrEqual(QUICK_DIALS + (performance.now() - began) / 1_000);
      await work.progress();
    },
    CASE_MS + FLAPS * FLAP_MS,
  );

  it(
    'F9: resets in the middle of a frame',
    async () => {
      for (let n = 0; n < 4; n++) {
        const name = n % 2 === 0 ? 'a-b' : 'b-c';
        await faulty.link(name).resetAfter(n % 3 === 0 ? 'down' : 'up', random.below(20_000));
        await work.progress();
        await faulty.node(name === 'a-b' ? 'a' : 'b').linksUp();
      }
    },
    CASE_MS,
  );

  it(
    'F9: slices of 1 to 64 bytes',
    async () => {
      for (const proxy of faulty.proxies.values()) proxy.slice(64);
      await work.progress();
      // Connections that begin in slices, too.
      faulty.link('a-b').reset();
      await faulty.node('a').linksUp();
      await work.progress();
    },
    CASE_MS,
  );

  it(
    'F11: a corrupted byte that means anything costs its link, and nothing bad is passed on',
    async () => {
      const links = ['a-b', 'b-c'] as const;
      const resets = (): number => links.reduce((sum, name) => sum + faulty.link(name).accepted, 0);
      const [resetsBefore, noticedBefore] = [resets(), await noticedDamages()];
      for (let n = 0; n < DAMAGES; n++) {
        const name = links[n % 2] as (typeof links)[number];
        await faulty.link(name).corruptAfter(n % 3 === 0 ? 'down' : 'up', random.below(20_000));
        await work.progress();
        await faulty.node(name === 'a-b' ? 'a' : 'b').linksUp();
      }
      // Each reset is one damage that a node noticed. What goes unnoticed changes nothing: src/mesh/damaged-bytes.spec.ts.
      const counts = async () => [resets() - resetsBefore, (await noticedDamages()) - noticedBefore] as const;
      await eventually('a link is reset for each noticed damage', async () => {
        const [reset, noticed] = await counts();
        return reset === noticed;
      });
      const [reset] = await counts();
      note(`${reset} links reset for ${DAMAGES} damaged bytes`);
      expect(reset).toBeLessThanOrEqual(DAMAGES);
    },
    CASE_MS,
  );

  /** Damaged frames and what no node says, counted at all nodes. */
  async function noticedDamages(): Promise<number> {
    const nodes = [...faulty.mesh.nodes.values()];
    const counts = nodes.flatMap((node) => [
      metricOf(node, 'fairlead_frames_damaged_total'),
      metricOf(node, 'fairlead_protocol_errors_total', { listener: 'mesh' }),
    ]);
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }
});
