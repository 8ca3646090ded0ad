import { GAP_OTHERS } from '../streams/contract';
import type { Audience } from './audience';
import type { Gap } from './contract';
import type { LocalConsumer } from './local-consumer';

/** Both gaps as one: what one origin gave up is summed. */
export function joinGaps(one: Gap | null, other: Gap): Gap {
  const joined = new Map(one);
  for (const [origin, missed] of other) joined.set(origin, sum(joined.get(origin) ?? null, missed));
  return joined;
}

function sum(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : one + other;
}

/**
 * Notes at every consumer of a topic or multicast address here what it may have missed of an origin; it is told with its next delivery.
 * @param missed by wire name; empty when only the origin's absence is known
 */
export function noteGap(audience: Audience, origin: string, missed: ReadonlyMap<string, number>): void {
  const counts = new Map<LocalConsumer, number | null>();
  if (missed.size === 0 || missed.has(GAP_OTHERS))
    for (const consumer of audience.consumers()) if (consumer.kind !== 'anycast') counts.set(consumer, null);
  for (const [wire, count] of missed)
    audience.interested(wire, (consumer) => {
      if (consumer.kind !== 'anycast') counts.set(consumer, (counts.get(consumer) ?? 0) + count);
    });
  const share = new SharedGaps(origin);
  for (const [consumer, count] of counts) consumer.gap = share.joined(consumer.gap, count);
}

/** Joins one origin's event to the gaps of many consumers; equal ones stay one object, however many consumers are idle. */
class SharedGaps {
  readonly #known = new Map<Gap | null, Map<number | null, Gap>>();

  constructor(private readonly origin: string) {}

  joined(gap: Gap | null, missed: number | null): Gap {
    let byCount = this.#known.get(gap);
    if (byCount === undefined) this.#known.set(gap, (byCount = new Map()));
    let joined = byCount.get(missed);
    if (joined === undefined) byCount.set(missed, (joined = joinGaps(gap, new Map([[this.origin, missed]]))));
    return joined;
  }
}
