import type { NodeId } from '../links/contract';
import type { AddressEntry } from './address-entry';
import type { Candidate } from './candidate';

/**
 * The site that an anycast message goes to: the nearest whose quota is not full; among equals the one with least outstanding, then
 * the longest unused one. When all are full, the nearest with room, else the nearest.
 * @param tried in vain, for a message that came back; null for a new one, which may also wait for a site that is out of reach
 */
export function choose(entry: AddressEntry, tried: readonly NodeId[] | null): Candidate | null {
  let best: Candidate | null = null;
  let roomy: Candidate | null = null;
  let nearest: Candidate | null = null;
  for (const candidate of entry.candidates) {
    if (tried !== null && (candidate.cost === Infinity || tried.includes(candidate.node))) continue;
    if (best !== null && candidate.cost > best.cost) break;
    nearest ??= candidate;
    if (candidate.cost === Infinity && nearest.cost !== Infinity) break;
    if (candidate.spilling || entry.chokedBy.has(candidate.node)) {
      if (candidate.room > 0 && !entry.chokedBy.has(candidate.node)) roomy ??= candidate;
      continue;
    }
    // Without a declared load no distance is made up for by it.
    if (best === null && entry.policy.overflowAt === null && candidate.cost > nearest.cost) break;
    if (best === null || before(candidate, best)) best = candidate;
  }
  const chosen = best ?? roomy ?? nearest;
  if (chosen !== null) chosen.turn = ++entry.choices;
  return chosen;
}

function before(a: Candidate, b: Candidate): boolean {
  return a.outstanding === b.outstanding ? a.turn < b.turn : a.outstanding < b.outstanding;
}

/** Messages that the address's publishers may have credit for: what quotas leave, nothing without a site within reach. */
export function roomOf(entry: AddressEntry, isFull: (node: NodeId) => boolean): number {
  let room = 0;
  for (const { node, set, cost, room: left } of entry.candidates) {
    if (cost === Infinity) break;
    if (entry.policy.overflowAt === null && cost > (entry.candidates[0] as Candidate).cost) break;
    if (entry.chokedBy.has(node) || (set !== null && isFull(node))) continue;
    room += left;
  }
  return room;
}
