import fc from 'fast-check';
import { adjacencyKey } from '../links/adjacency';
import { FRAME, nodeIdOf } from '../links/contract';
import { SPACE } from './contract';
import { STATE_BYTES_MAX } from './limits';
import { writeState } from './state-frames';
import { writeEdgeRecord } from './topology-records';
import { VirtualNet, type Cable, type VirtualNode } from './virtual-net.fixture';

const at = (net: VirtualNet, name: string): VirtualNode => net.nodes.get(name) as VirtualNode;

function line(names: string): { net: VirtualNet; cables: Cable[] } {
  const net = new VirtualNet();
  const all = [...names];
  for (const name of all) net.node(name);
  const cables = all.slice(1).map((name, n) => net.cable(all[n] as string, name));
  net.until(() => net.converged);
  net.run(1_000);
  return { net, cables };
}

function interestOf(node: VirtualNode, origin: string): string[] {
  return [...node.core.replicas.entries(SPACE.interest, nodeIdOf(origin)).keys()].sort();
}

describe('LinkStateCore, replicated maps', () => {
  it('heals a lost state frame when the next one shows the gap', () => {
    const { net, cables } = line('abc');
    const { replicas } = at(net, 'a').core;
    let lose = 1;
    (cables[1] as Cable).tamper = (bytes, to) => (to === 'c' && bytes[0] === FRAME.state && lose-- > 0 ? null : bytes);
    replicas.set(SPACE.interest, 'one', Buffer.from('1'));
    net.run(10);
    expect(interestOf(at(net, 'c'), 'a')).toEqual([]);
    replicas.set(SPACE.interest, 'two', Buffer.from('1'));
    expect(net.until(() => interestOf(at(net, 'c'), 'a').length === 2)).toBeLessThan(20);
    expect(at(net, 'c').core.replication.gaps).toBe(1);
  });

  it('heals a lost state frame by digests when nothing follows it', () => {
    const { net, cables } = line('abcd');
    let lose = 1;
    (cables[1] as Cable).tamper = (bytes, to) => (to === 'c' && bytes[0] === FRAME.state && lose-- > 0 ? null : bytes);
    at(net, 'a').core.replicas.set(SPACE.interest, 'one', Buffer.from('1'));
    net.run(100);
    expect(interestOf(at(net, 'd'), 'a')).toEqual([]);
    expect(net.until(() => interestOf(at(net, 'd'), 'a').length === 1)).toBeLessThan(4_000);
    expect(at(net, 'c').core.replication.heals + at(net, 'b').core.replication.heals).toBeGreaterThan(0);
    expect(at(net, 'c').core.counters.linksLost).toBe(0);
    net.run(5_000);
    const digests = at(net, 'c').core.replication.digests;
    net.run(60_000);
    expect(at(net, 'c').core.replication.digests).toBe(digests);
  });

  it('splits changes of one turn that do not fit a frame, and a first map as a snapshot that comes whole', () => {
    const sizes: number[] = [];
    const seen: string[] = [];
    const net = new VirtualNet();
    const a = net.node('a');
    net.node('b');
    const fill = (from: number, to: number): void => {
      for (let n = from; n < to; n++) a.core.replicas.set(SPACE.interest, `key${n}`, Buffer.alloc(1_000, n));
    };
    fill(0, 300);
    const first = a.core.replicas.pendingVersion(SPACE.interest);
    net.node('c', 65_536, {
      replicas: {
        onReplica: (_space, origin, version, replaced) => {
          const { size } = at(net, 'c').core.replicas.entries(SPACE.interest, origin);
          seen.push(`${version} ${replaced} ${size}`);
        },
      },
    });
    net.cable('a', 'b').tamper = (bytes) => (sizes.push(bytes.length), bytes);
    net.cable('b', 'c');
    net.until(() => net.converged && interestOf(at(net, 'c'), 'a').length === 300);
    expect(seen).toEqual([`${first} true 300`]);
    fill(300, 500);
    const second = a.core.replicas.pendingVersion(SPACE.interest);
    expect(second).toBeGreaterThan(first + 2);
    net.run(100);
    expect(seen.at(-1)).toBe(`${second} false 500`);
    expect(seen).toHaveLength(1 + second - first);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(STATE_BYTES_MAX);
  });

  it('gives one node the same map as another, whatever is lost and reset on the way', () => {
    const { net, cables } = line('abcd');
    cables.push(net.cable('d', 'a'));
    for (const cable of cables) {
      cable.tamper = (bytes) => (bytes[0] === FRAME.state && net.random.chance(0.2) ? null : bytes);
    }
    const a = at(net, 'a');
    for (let n = 0; n < 300; n++) {
      const key = `k${net.random.below(40)}`;
      if (net.random.chance(0.3)) a.core.replicas.delete(SPACE.interest, key);
      else a.core.replicas.set(SPACE.interest, key, Buffer.from(String(n)));
      if (net.random.chance(0.02)) cables[net.random.below(4)]?.reset();
      net.run(net.random.below(100));
    }
    for (const cable of cables) cable.tamper = (bytes) => bytes;
    net.run(130_000);
    for (const node of net.nodes.values()) {
      const { replicas } = node.core;
      expect(replicas.version(SPACE.interest, a.id)).toBe(a.core.replicas.version(SPACE.interest, a.id));
      expect(replicas.entries(SPACE.interest, a.id)).toEqual(a.core.replicas.entries(SPACE.interest, a.id));
    }
    expect(net.converged).toBe(true);
  });

  it('ignores frame types of a later version, and gives routed ones to the layer above', () => {
    const { net, cables } = line('ab');
    const link = (cables[0] as Cable).linkAt('a');
    for (const type of [7, 15, 16, 17, 200]) at(net, 'a').core.enqueue(link, 0, Buffer.from([type, 1]), null, 1, 1);
    net.run(10);
    expect(at(net, 'b').routed.map((bytes) => bytes[0])).toEqual([16, 17, 200]);
    expect(at(net, 'b').core.links()[0]?.state).toBe('up');
  });

  it('closes only the link that brings a malformed frame, whatever it is', () => {
    const captured = capture();
    fc.assert(
      fc.property(
        fc.nat(captured.length - 1),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(400)),
        (pick, changes, length) => {
          const frame = Buffer.from(captured[pick] as Buffer);
          for (const [where, value] of changes) frame[where % frame.length] = value;
          const cut = frame.subarray(0, length === null ? frame.length : length % (frame.length + 1));
          malformed(cut);
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    ['an empty frame', Buffer.alloc(0)],
    ['a digest with a wrong count', Buffer.from('02020000000100ff', 'hex')],
    ['an edge without a cost', edgeOfX(0)],
    ['a snapshot part of an edge without a cost', edgeOfX(0, true)],
  ])('closes the link that brings %s', (_what, frame) => {
    expect(malformed(frame)).toBe(1);
  });

  it('begins no new life because of a frame of its own name that does not read well', () => {
    const { net, cables } = line('ab');
    const life = { incarnation: 900_000, born: 900_000, version: 1, part: 0, last: true };
    const frame = writeState({ space: SPACE.interest, name: 'b', site: 'b', snapshot: true, ...life }, [
      ['k', Buffer.from('v')],
    ]);
    const [cable] = cables as [Cable];
    cable.deliver((cable.ends as NonNullable<Cable['ends']>)[1], 0, frame.subarray(0, frame.length - 1));
    expect(at(net, 'b').core.counters).toMatchObject({ advances: 0, protocolErrors: 1 });
    net.run(1_000);
    cable.deliver((cable.ends as NonNullable<Cable['ends']>)[1], 0, frame);
    expect(at(net, 'b').core.counters).toMatchObject({ advances: 1, protocolErrors: 1 });
  });

  it('keeps the link that brings an edge of a node it does not know', () => {
    expect(malformed(edgeOfX(7))).toBe(0);
  });
});

/** Node x tells of an edge to b. */
function edgeOfX(cost: number, snapshot = false): Buffer {
  const life = { incarnation: 65_536, born: 65_536, version: 1, part: 0, last: true };
  const head = { space: SPACE.topology, name: 'x', site: 'x', snapshot, ...life };
  return writeState(head, [[adjacencyKey(nodeIdOf('b'), true, 'x-b'), writeEdgeRecord(cost, 1)]]);
}

/** Frames of a small mesh as it forms and changes. */
function capture(): Buffer[] {
  const frames: Buffer[] = [];
  const net = new VirtualNet();
  for (const name of 'abc') net.node(name);
  for (const cable of [net.cable('a', 'b'), net.cable('b', 'c')]) {
    cable.tamper = (bytes) => (frames.push(bytes), bytes);
  }
  net.until(() => net.converged);
  at(net, 'a').core.replicas.set(SPACE.facts, 'queue/x', Buffer.from('value'));
  net.run(600);
  at(net, 'c').core.removeLink(0);
  net.run(10);
  return frames;
}

/** b gets the frame from a. @returns how many links b closed for it; it never does more than that */
function malformed(frame: Buffer): number {
  const net = new VirtualNet();
  const b = net.node('b');
  net.node('a');
  net.node('c');
  const ab = net.cable('a', 'b');
  const bc = net.cable('b', 'c');
  net.run(50);
  ab.deliver((ab.ends as NonNullable<Cable['ends']>)[1], 0, frame);
  net.run(frame[0] === FRAME.state ? 5_000 : 50);
  const { protocolErrors } = b.core.counters;
  expect(protocolErrors).toBeLessThanOrEqual(1);
  // What still reads well may be a goodbye, or state that b's or c's former life seems to have told; they tell above it.
  if (frame[0] !== FRAME.bye) expect(ab.conditions).toEqual(protocolErrors === 1 ? ['fairlead:protocol-error'] : []);
  expect(bc.conditions).toEqual([]);
  expect(b.core.routes.view(nodeIdOf('c'))?.reachable).toBe(true);
  return protocolErrors;
}
