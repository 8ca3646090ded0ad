import type { AddressEntry } from './address-entry';
import { Candidate } from './candidate';
import { choose, roomOf } from './choice';
import { entryOf } from './parts.fixture';

const NEVER = (): boolean => false;

/** An anycast address with sites of the given costs; one of cost 0 is this node. */
function withSites(costs: readonly number[], overflowAt: number | null = null): AddressEntry {
  const entry = entryOf('anycast', 'a', { overflowAt });
  entry.candidates = costs.map((cost, node) => {
    const candidate = new Candidate(node, cost === 0 ? null : { key: String(node), targets: [node] });
    candidate.cost = cost;
    candidate.present = true;
    candidate.limit = overflowAt;
    return candidate;
  });
  return entry;
}

/** Gives out so many messages. @returns how many each site got */
function give(entry: AddressEntry, count: number): number[] {
  const got = entry.candidates.map(() => 0);
  for (let n = 0; n < count; n++) {
    const chosen = choose(entry, null) as Candidate;
    chosen.took();
    got[chosen.node] = (got[chosen.node] as number) + 1;
  }
  return got;
}

describe('the choice of a site', () => {
  it('is nobody without candidates', () => {
    expect(choose(withSites([]), null)).toBeNull();
    expect(roomOf(withSites([]), NEVER)).toBe(0);
  });

  it('is the nearest, whatever waits there, without a declared load', () => {
    expect(give(withSites([0, 10, 20]), 50)).toEqual([50, 0, 0]);
  });

  it('is the least loaded among equals, then the longest unused', () => {
    const entry = withSites([10, 10, 10, 20]);
    expect(give(entry, 9)).toEqual([3, 3, 3, 0]);
    entry.candidates[1]?.gaveBack();
    expect(give(entry, 1)).toEqual([0, 1, 0, 0]);
  });

  it('spills when a quota is full, and comes back below three quarters', () => {
    const entry = withSites([10, 20, 30], 8);
    expect(give(entry, 10)).toEqual([8, 2, 0]);
    const near = entry.candidates[0] as Candidate;
    near.gaveBack();
    near.gaveBack();
    expect(give(entry, 1)).toEqual([0, 1, 0]);
    near.gaveBack();
    expect(give(entry, 4)).toEqual([3, 1, 0]);
  });

  it('takes the nearest with room when all spill, and the nearest when none has any', () => {
    const entry = withSites([10, 20], 4);
    expect(give(entry, 8)).toEqual([4, 4]);
    expect(roomOf(entry, NEVER)).toBe(0);
    entry.candidates[1]?.gaveBack();
    expect(roomOf(entry, NEVER)).toBe(1);
    expect(give(entry, 1)).toEqual([0, 1]);
    expect(give(entry, 1)).toEqual([1, 0]);
  });

  it('leaves out sites that were tried, and for a new message only sites out of reach while another is', () => {
    const entry = withSites([10, 20, Infinity]);
    expect(choose(entry, [0])?.node).toBe(1);
    expect(choose(entry, [0, 1])).toBeNull();
    expect(choose(withSites([Infinity]), null)?.node).toBe(0);
    expect(choose(withSites([Infinity]), [])).toBeNull();
    expect(roomOf(withSites([Infinity]), NEVER)).toBe(0);
  });

  it('passes over a site that asked to wait, where a load is declared or another is as near', () => {
    const far = withSites([10, 20], 4);
    far.chokedBy.add(0);
    expect(give(far, 1)).toEqual([0, 1]);
    expect(roomOf(far, NEVER)).toBe(3);
    const equal = withSites([10, 10]);
    equal.chokedBy.add(0);
    expect(give(equal, 2)).toEqual([0, 2]);
    const unbounded = withSites([10, 20]);
    unbounded.chokedBy.add(0);
    expect(give(unbounded, 1)).toEqual([1, 0]);
    expect(roomOf(unbounded, NEVER)).toBe(0);
  });

  it('gives no credit for sites whose stream is full', () => {
    const entry = withSites([0, 10, 20], 5);
    expect(roomOf(entry, NEVER)).toBe(15);
    expect(roomOf(entry, (node) => node === 1)).toBe(10);
    expect(roomOf(withSites([10, 20]), (node) => node === 0)).toBe(0);
    expect(roomOf(withSites([10, 20]), (node) => node === 1)).toBe(Infinity);
  });

  it('obeys a new quota at once', () => {
    const candidate = new Candidate(1, null);
    candidate.limit = 4;
    for (let n = 0; n < 3; n++) candidate.took();
    candidate.limit = 2;
    expect([candidate.spilling, candidate.room]).toEqual([true, 0]);
    candidate.limit = 8;
    expect([candidate.spilling, candidate.room]).toEqual([false, 5]);
    candidate.limit = null;
    expect(candidate.room).toBe(Infinity);
  });
});
