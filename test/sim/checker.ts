import { OUTCOME } from '../../src/streams/contract';
import type { ConsumerRecord, Delivery, Ledger, PublisherRecord } from './ledger';
import type { Oracle } from './oracle';

/** What a check found, as a sentence that begins with the guarantee that was broken. */
export type Problem = string;

/** Most of one kind that are told; a broken run breaks everywhere. */
const TOLD_MAX = 20;

/** Judges a ledger by the guarantees G1 to G6 of FAULTS; what a run itself must show (G5's time, G7, G8) is judged where it runs. */
export function checkLedger(ledger: Ledger, oracle: Oracle): Problem[] {
  const deliveries = indexDeliveries(ledger);
  return [
    ...checkInventions(ledger),
    ...checkDoubles(ledger, deliveries),
    ...checkOrder(ledger),
    ...checkLosses(ledger, oracle, deliveries),
    ...checkOutcomes(ledger, deliveries),
  ];
}

/** Deliveries by consumer, then by publisher and sequence. */
type Deliveries = ReadonlyMap<ConsumerRecord, ReadonlyMap<number, readonly Delivery[]>>;

function keyOf(publisher: number, seq: number): number {
  return publisher * 0x1_0000_0000 + seq;
}

function indexDeliveries(ledger: Ledger): Deliveries {
  const index = new Map<ConsumerRecord, Map<number, Delivery[]>>();
  for (const consumer of ledger.consumers) {
    const byMessage = new Map<number, Delivery[]>();
    for (const delivery of consumer.got) {
      const key = keyOf(delivery.publisher, delivery.seq);
      const same = byMessage.get(key);
      if (same === undefined) byMessage.set(key, [delivery]);
      else same.push(delivery);
    }
    index.set(consumer, byMessage);
  }
  return index;
}

function told(problems: Problem[]): Problem[] {
  const more = problems.length - TOLD_MAX;
  return more <= 0 ? problems : [...problems.slice(0, TOLD_MAX), `and ${more} more like the last one`];
}

export function nameOf(publisher: PublisherRecord, seq: number): string {
  return `message ${seq} of publisher ${publisher.id} (${publisher.address} at ${publisher.node}, life ${publisher.life})`;
}

function at(consumer: ConsumerRecord): string {
  return `consumer ${consumer.id} (${consumer.filter} at ${consumer.node}, life ${consumer.life})`;
}

/** G2: what arrives was sent, byte for byte. */
function checkInventions(ledger: Ledger): Problem[] {
  const found: Problem[] = [];
  for (const consumer of ledger.consumers) {
    for (const { publisher, seq, hash } of consumer.got) {
      const from = ledger.publishers[publisher];
      const sent = from?.sent[seq];
      if (from === undefined || sent === undefined)
        found.push(`G2: ${at(consumer)} got message ${seq} of publisher ${publisher}, which was never sent`);
      else if (sent.hash !== hash) found.push(`G2: ${at(consumer)} got ${nameOf(from, seq)} with other bytes`);
    }
  }
  return told(found);
}

/** G3: none twice at one consumer; of anycast none twice at all. */
function checkDoubles(ledger: Ledger, deliveries: Deliveries): Problem[] {
  const found: Problem[] = [];
  const anycast = new Map<number, ConsumerRecord>();
  for (const [consumer, byMessage] of deliveries) {
    for (const [key, [first, second]] of byMessage) {
      const { publisher, seq } = first as Delivery;
      const from = ledger.publishers[publisher];
      if (from === undefined) continue;
      if (second !== undefined) found.push(`G3: ${at(consumer)} got ${nameOf(from, seq)} twice`);
      if (consumer.kind !== 'anycast') continue;
      const other = anycast.get(key);
      if (other !== undefined) found.push(`G3: ${at(other)} and ${at(consumer)} both got ${nameOf(from, seq)}`);
      anycast.set(key, consumer);
    }
  }
  return told(found);
}

/** G4: per publisher, address and single consumer, no inversion among first deliveries. */
function checkOrder(ledger: Ledger): Problem[] {
  const found: Problem[] = [];
  const sharing = new Map<string, number>();
  for (const { kind, filter } of ledger.consumers)
    if (kind === 'anycast') sharing.set(filter, (sharing.get(filter) ?? 0) + 1);
  for (const consumer of ledger.consumers) {
    // An anycast message that one consumer did not get goes to another one, behind younger ones.
    if ((sharing.get(consumer.filter) ?? 1) > 1) continue;
    const last = new Map<number, number>();
    for (const { publisher, seq } of consumer.got) {
      const before = last.get(publisher) ?? -1;
      const from = ledger.publishers[publisher];
      if (seq < before && from !== undefined)
        found.push(`G4: ${at(consumer)} got ${nameOf(from, seq)} after message ${before}`);
      last.set(publisher, Math.max(seq, before));
    }
  }
  return told(found);
}

/** True when a filter of dotted words matches a name. */
export function filterMatches(filter: string, name: string): boolean {
  const pattern = filter
    .split('.')
    .map((word) => (word === '#' ? '.*' : word === '*' ? '[^.]*' : word.replace(/[^\w]/g, '\\$&')))
    .join('\\.');
  return new RegExp(`^${pattern.replace(/\\\.\.\*/g, '(\\..*)?')}$`).test(name);
}

/**
 * G1 and G6: what the sender saw accepted reaches everyone who wanted it throughout. Of a publisher or a consumer that ended, what
 * came last tells how far it must be complete.
 */
function checkLosses(ledger: Ledger, oracle: Oracle, deliveries: Deliveries): Problem[] {
  const found: Problem[] = [];
  for (const [consumer, byMessage] of deliveries) {
    if (consumer.kind === 'anycast' || consumer.lossy) continue;
    for (const publisher of ledger.publishers) {
      if (publisher.kind !== consumer.kind || !filterMatches(consumer.filter, publisher.address)) continue;
      const ended = consumer.endedAt !== null || publisher.diedAt !== null;
      const until = ended ? lastGot(consumer, publisher) : publisher.sent.length;
      for (let seq = 0; seq < until; seq++) {
        const message = publisher.sent[seq];
        if (message?.outcome !== OUTCOME.accepted || byMessage.has(keyOf(publisher.id, seq))) continue;
        if (oracle.mustReach(publisher, message, consumer))
          found.push(`G1: ${at(consumer)} never got ${nameOf(publisher, seq)}, sent at ${message.at} ms`);
      }
    }
  }
  return told(found);
}

function lastGot(consumer: ConsumerRecord, publisher: PublisherRecord): number {
  let last = -1;
  for (const delivery of consumer.got) if (delivery.publisher === publisher.id) last = Math.max(last, delivery.seq);
  return last;
}

/** G5: one outcome each, and no `accepted` without the consumers having said so. */
function checkOutcomes(ledger: Ledger, deliveries: Deliveries): Problem[] {
  const found: Problem[] = [];
  for (const publisher of ledger.publishers) {
    publisher.sent.forEach((message, seq) => {
      if (message.outcomes > 1) found.push(`G5: ${nameOf(publisher, seq)} had ${message.outcomes} outcomes`);
      if (message.outcomes === 0 && publisher.diedAt === null)
        found.push(`G5: ${nameOf(publisher, seq)}, sent at ${message.at} ms, never had an outcome`);
      if (publisher.kind !== 'anycast') return;
      const got = [...deliveries.values()].flatMap((byMessage) => byMessage.get(keyOf(publisher.id, seq)) ?? []);
      if (message.outcome === OUTCOME.accepted && !got.some(({ accepted }) => accepted))
        found.push(`G5: ${nameOf(publisher, seq)} was accepted by nobody and its sender told otherwise`);
      if (message.outcome === OUTCOME.released && got.length > 0)
        found.push(`G5: ${nameOf(publisher, seq)} was delivered and its sender told that it was not`);
    });
  }
  return told(found);
}
