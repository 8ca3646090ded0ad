import { WireReader } from '../common/wire';
import { nodeIdOf, type NodeId } from '../links/contract';
import { CONTROL } from './control';
import { Handovers, type PutSpan } from './handovers';
import { HANDOVER_ASK_MS, HANDOVER_MS } from './limits';

const QUEUE = '$sub/c/s';
const NONE: PutSpan = { first: Number.MAX_SAFE_INTEGER, last: 0 };

/** Three nodes; the subscription has come from `a` to `b`. */
class Nodes {
  time = 0;
  readonly away = new Set<string>();
  /** What each node knows, has put to `a`, and keeps for the subscription. */
  readonly homes = new Map(['a', 'b', 'c'].map((name) => [name, 'b']));
  readonly spans = new Map(['a', 'b', 'c'].map((name) => [name, NONE]));
  readonly late = new Set<string>();
  asked = 0;
  /** What `b` was told in the end. */
  missing: readonly string[] | null = null;
  readonly #all = new Map<string, Handovers>();
  #mail: { from: string; to: NodeId; kind: number; payload: Buffer }[] = [];

  constructor() {
    for (const name of this.homes.keys())
      this.#all.set(
        name,
        new Handovers({
          self: nodeIdOf(name),
          now: () => this.time,
          nodes: () =>
            [...this.homes.keys()].map((one) => ({ id: nodeIdOf(one), name: one, reachable: !this.away.has(one) })),
          send: (to, kind, payload) => {
            if (kind === CONTROL.handoverAsk) this.asked++;
            this.#mail.push({ from: name, to, kind, payload });
          },
          homeOf: () => this.homes.get(name) ?? null,
          nameOf: (id) => [...this.homes.keys()].find((one) => nodeIdOf(one) === id) ?? '',
          spanOf: (node) => (node === 'a' ? (this.spans.get(name) ?? NONE) : NONE),
          isLate: () => this.late.has(name),
          scheduleFlush: () => undefined,
        }),
      );
    this.at('b').begin(QUEUE, 'a', (missing) => (this.missing = missing));
  }

  at(name: string): Handovers {
    return this.#all.get(name) as Handovers;
  }

  run(ms: number): void {
    for (const end = this.time + ms; this.time <= end; this.time += HANDOVER_ASK_MS) {
      this.at('b').flush(this.time);
      while (this.#mail.length > 0) {
        for (const { from, to, kind, payload } of this.#mail.splice(0)) {
          const name = [...this.homes.keys()].find((one) => nodeIdOf(one) === to) ?? '';
          if (!this.away.has(name) && !this.away.has(from))
            this.at(name).onControl(nodeIdOf(from), kind, new WireReader(payload));
        }
        this.at('b').flush(this.time);
      }
    }
  }
}

describe('what comes by the former home of a subscription', () => {
  it('is known to be all there when no node has anything on its way', () => {
    const nodes = new Nodes();
    nodes.run(0);
    expect(nodes.missing).toEqual([]);
    expect(nodes.at('b').deadline()).toBe(Infinity);
  });

  it('is waited for: what a node had put before it knew the new home, then what waits to follow', () => {
    const nodes = new Nodes();
    nodes.homes.set('c', 'a');
    nodes.spans.set('c', { first: 3, last: 7 });
    nodes.late.add('a');
    nodes.run(500);
    expect(nodes.missing).toBeNull();
    nodes.homes.set('c', 'b');
    nodes.run(500);
    // Newer ones are for others.
    nodes.spans.set('c', { first: 7, last: 9 });
    nodes.run(500);
    expect(nodes.missing).toBeNull();
    nodes.spans.set('c', { first: 8, last: 12 });
    nodes.run(500);
    expect(nodes.missing).toBeNull();
    nodes.late.clear();
    nodes.run(500);
    expect(nodes.missing).toEqual([]);
  });

  it('is waited for no longer than a bound when a node is away, which is named; what moves begins that anew', () => {
    const nodes = new Nodes();
    nodes.away.add('c');
    nodes.spans.set('a', { first: 1, last: 9 });
    nodes.run(HANDOVER_MS - 1_000);
    nodes.spans.set('a', { first: 5, last: 9 });
    nodes.run(HANDOVER_MS - 1_000);
    expect(nodes.missing).toBeNull();
    nodes.spans.set('a', NONE);
    nodes.run(HANDOVER_MS - 1_000);
    expect(nodes.missing).toBeNull();
    nodes.run(2_000);
    expect(nodes.missing).toEqual(['c']);
  });

  it('is asked of a node again in a new life, and of one that is away not at all', () => {
    const nodes = new Nodes();
    nodes.away.add('a');
    nodes.run(0);
    expect(nodes.asked).toBe(1);
    nodes.run(500);
    expect(nodes.asked).toBe(1);
    nodes.at('b').forget(nodeIdOf('c'));
    nodes.run(0);
    expect(nodes.asked).toBe(2);
    nodes.away.clear();
    nodes.run(500);
    expect(nodes.missing).toEqual([]);
  });

  it('is of no interest once the subscription is ended', () => {
    const nodes = new Nodes();
    nodes.late.add('c');
    nodes.run(500);
    nodes.at('b').end(QUEUE);
    nodes.late.clear();
    nodes.run(500);
    expect(nodes.missing).toBeNull();
  });
});
