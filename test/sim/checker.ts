import { OUTCOME } from '../../src/streams/contract';
import { ArrivalJudge, Seen, type ArrivalFault } from '../support/arrivals';
import { Deliveries } from './deliveries';
import type { ConsumerRecord, Delivery, Ledger } from './ledger';
import { LossJudge, type Counts, type LossTally } from './losses';
import type { Oracle } from './oracle';
import { nameOfConsumer, nameOfMessage, told, type Problem } from './problems';

export interface Judgement {
  readonly problems: readonly Problem[];
  readonly losses: LossTally;
}

/**
 * Judges a ledger by the guarantees G1 to G6 of FAULTS; what a run itself must show (G5's time, G7, G8) is judged where it runs.
 * @param counts what the nodes say that they gave up
 */
export function checkLedger(ledger: Ledger, oracle: Oracle, counts: Counts): Judgement {
  const deliveries = new Deliveries(ledger);
  const judge = new LossJudge(ledger, deliveries, oracle, counts);
  const problems = [...checkArrivals(ledger, deliveries), ...judge.judge(), ...checkOutcomes(ledger, deliveries)];
  return { problems, losses: judge.tally };
}

/** G2, G3 and G4: what arrives was sent so to whom it comes, once and in order; of anycast once at all consumers together. */
function checkArrivals(ledger: Ledger, deliveries: Deliveries): readonly Problem[] {
  const found: Record<ArrivalFault, Problem[]> = { invented: [], corrupted: [], doubled: [], reordered: [] };
  const shared = new Seen<number>();
  const sharing = new Map<string, number>();
  for (const { kind, filter } of ledger.consumers)
    if (kind === 'anycast') sharing.set(filter, (sharing.get(filter) ?? 0) + 1);
  for (const consumer of ledger.consumers) {
    const me = nameOfConsumer(consumer);
    const judge = new ArrivalJudge<number>(me, {
      // An anycast message that one consumer did not get goes to another one, behind younger ones.
      ordered: (sharing.get(consumer.filter) ?? 1) === 1,
      redeliveries: false,
      shared: consumer.kind === 'anycast' ? shared : null,
    });
    for (const delivery of consumer.got)
      judgeArrival(ledger, deliveries, consumer, delivery, judge, (fault, sentence) => found[fault].push(sentence));
  }
  return Object.values(found).flatMap(told);
}

function judgeArrival(
  ledger: Ledger,
  deliveries: Deliveries,
  consumer: ConsumerRecord,
  { publisher, seq, hash }: Delivery,
  judge: ArrivalJudge<number>,
  tell: (fault: ArrivalFault, sentence: Problem) => void,
): void {
  const me = nameOfConsumer(consumer);
  const from = ledger.publishers[publisher];
  const sent = from?.sent[seq];
  if (from === undefined || sent === undefined) {
    tell('invented', `G2: ${me} got message ${seq} of publisher ${publisher}, which was never sent`);
    return;
  }
  const what = nameOfMessage(from, seq);
  const meant = deliveries.wants(consumer, from) ? { address: from.address, digest: sent.hash } : undefined;
  judge.take({ sender: publisher, seq, digest: hash, redelivered: false }, meant, (fault, { other, after }) => {
    if (fault === 'invented') tell(fault, `G2: ${me} got ${what}, which was not for it`);
    else if (fault === 'corrupted') tell(fault, `G2: ${me} got ${what} with other bytes`);
    else if (fault === 'reordered') tell(fault, `G4: ${me} got ${what} after message ${after}`);
    else tell(fault, other === me ? `G3: ${me} got ${what} twice` : `G3: ${other} and ${me} both got ${what}`);
  });
}

/** G5: one outcome each, and no `accepted` without the consumers having said so. */
function checkOutcomes(ledger: Ledger, deliveries: Deliveries): readonly Problem[] {
  const found: Problem[] = [];
  for (const publisher of ledger.publishers) {
    publisher.sent.forEach((message, seq) => {
      const what = nameOfMessage(publisher, seq);
      if (message.outcomes > 1) found.push(`G5: ${what} had ${message.outcomes} outcomes`);
      if (message.outcomes === 0 && publisher.diedAt === null)
        found.push(`G5: ${what}, sent at ${message.at} ms, never had an outcome`);
      if (publisher.kind !== 'anycast') return;
      const got = ledger.consumers.flatMap((consumer) => deliveries.of(consumer, publisher, seq) ?? []);
      if (message.outcome === OUTCOME.accepted && !got.some(({ accepted }) => accepted))
        found.push(`G5: ${what} was accepted by nobody and its sender told otherwise`);
      if (message.outcome === OUTCOME.released && got.length > 0)
        found.push(`G5: ${what} was delivered and its sender told that it was not`);
    });
  }
  return told(found);
}
