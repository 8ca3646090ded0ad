import { SeededRandom } from '../common/ports';
import { DEAD_MS } from '../links/limits';
import { VirtualNet } from './virtual-net.fixture';

const NODES = 200;

/** A random tree and as many chords, costs 1 to 8, some pairs with parallel links. */
function randomNet(seed: number): VirtualNet {
  const net = new VirtualNet(seed);
  const random = new SeededRandom(seed);
  for (let n = 0; n < NODES; n++) net.node(`n${n}`, (1 + n) * 65_536);
  for (let n = 1; n < NODES; n++) net.cable(`n${n}`, `n${random.below(n)}`, { cost: 1 + random.below(8) });
  for (let n = 0; n < NODES; n++) {
    const [from, to] = [random.below(NODES), random.below(NODES)];
    if (from !== to) net.cable(`n${from}`, `n${to}`, { name: `chord${n}`, cost: 1 + random.below(8) });
  }
  return net;
}

/** Every walk that does not end at its destination. */
function lostWalks(net: VirtualNet): string[] {
  const lost: string[] = [];
  const names = [...net.nodes.values()].filter((node) => node.alive).map((node) => node.name);
  for (const from of names) {
    for (const to of names) {
      const path = net.walk(from, to);
      if (path.at(-1) !== to || new Set(path).size !== path.length) lost.push(path.join(' '));
    }
  }
  return lost;
}

describe('LinkStateCore, two hundred nodes', () => {
  it.each([1])('leads every frame to its destination without a loop, before and after faults (seed %i)', (seed) => {
    const net = randomNet(seed);
    expect(net.until(() => net.converged)).toBeLessThan(3_000);
    net.run(1_000);
    expect(lostWalks(net)).toEqual([]);
    for (const name of ['n3', 'n50', 'n51']) net.kill(name);
    for (const cable of net.cables.slice(-20)) cable.dark = true;
    net.run(DEAD_MS + 1_000);
    for (const cable of net.cables.slice(-20)) cable.dark = false;
    for (const name of ['n3', 'n50', 'n51']) net.node(name, 500 * 65_536);
    net.run(2_500);
    expect(net.converged).toBe(true);
    expect(lostWalks(net)).toEqual([]);
    for (const { core } of net.nodes.values()) expect(core.counters.protocolErrors).toBe(0);
  });
});
