import { OUTCOME } from '../../src/streams/contract';
import { checkLedger } from './checker';
import { Ledger, type PublisherRecord, type QueueDelivery, type ReceiverRecord } from './ledger';
import { QueueJudge, type QueueOracle } from './queue-judge';

const MESSAGES = 20;
/** Nothing ever came between, and no disk was lost. */
const STRICT: QueueOracle = { lostDisk: () => false, mayReturn: () => false, isLate: () => false };

interface Told {
  readonly ledger: Ledger;
  readonly publisher: PublisherRecord;
  readonly receivers: readonly [ReceiverRecord, ReceiverRecord];
}

/** A run in which everything went right: one publisher, and two consumers that got a half each and had it confirmed. */
function rightRun(): Told {
  const ledger = new Ledger();
  const publisher = ledger.openPublisher({ node: 'n0', life: 1, kind: 'queue', address: 'q.0', openedAt: 0 });
  const open = (node: string): ReceiverRecord => ledger.openReceiver({ node, life: 1, queue: 'q.0', openedAt: 0 });
  const receivers = [open('n1'), open('n2')] as const;
  for (let seq = 0; seq < MESSAGES; seq++) {
    publisher.sent.push({ at: seq, hash: 1_000 + seq, outcome: OUTCOME.accepted, answeredAt: seq, outcomes: 1 });
    deliver(ledger, receivers[seq % 2] as ReceiverRecord, seq);
  }
  return { ledger, publisher, receivers };
}

function deliver(ledger: Ledger, receiver: ReceiverRecord, seq: number, more: Partial<QueueDelivery> = {}): void {
  ledger.queueDeliveries.push({
    receiver,
    publisher: 0,
    seq,
    hash: 1_000 + seq,
    at: seq + 1,
    marked: false,
    settledAt: seq + 1,
    outcome: OUTCOME.accepted,
    confirmedAt: seq + 2,
    ...more,
  });
}

function problems(ledger: Ledger, oracle: Partial<QueueOracle> = {}): readonly string[] {
  return new QueueJudge(ledger, { ...STRICT, ...oracle }).judge();
}

/** A message comes again, to the other consumer. */
function again({ ledger, receivers }: Told, before: Partial<QueueDelivery>, after: Partial<QueueDelivery>): void {
  Object.assign(ledger.queueDeliveries[6] as object, before);
  deliver(ledger, receivers[1], 6, { at: 50, settledAt: 50, confirmedAt: 51, ...after });
}

describe('the judge of queues', () => {
  it('is content with a run in which everything went right', () => {
    const { ledger } = rightRun();
    const judge = new QueueJudge(ledger, STRICT);
    expect(judge.judge()).toEqual([]);
    expect(judge.tally).toEqual({ consumed: MESSAGES, redelivered: 0, confirmed: MESSAGES, lostWithDisk: 0 });
    const nothing = { missed: () => null, mayLose: () => [], mayDrop: () => [] };
    expect(checkLedger(ledger, nothing, new Map()).problems).toEqual([]);
  });

  it('reports one lost message, unless its disk was lost', () => {
    const { ledger } = rightRun();
    ledger.queueDeliveries.splice(7, 1);
    expect(problems(ledger)).toEqual([
      'G1: message 7 of publisher 0 (q.0 at n0, life 1), sent at 7 ms, was never delivered',
    ]);
    const judge = new QueueJudge(ledger, { ...STRICT, lostDisk: (queue, from) => queue === 'q.0' && from === 7 });
    expect(judge.judge()).toEqual([]);
    expect(judge.tally.lostWithDisk).toBe(1);
  });

  it('reports one that was given back and not delivered again', () => {
    const { ledger } = rightRun();
    Object.assign(ledger.queueDeliveries[7] as object, { outcome: OUTCOME.released, confirmedAt: null });
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G1: message 7 .* was given back and never delivered/)]);
  });

  it('does not ask for what was not put, or by an unknown outcome', () => {
    const { ledger, publisher } = rightRun();
    ledger.queueDeliveries.splice(7, 1);
    (publisher.sent[7] as { outcome: number | null }).outcome = OUTCOME.rejected;
    expect(problems(ledger)).toEqual([]);
    (publisher.sent[7] as { outcome: number | null }).outcome = null;
    expect(problems(ledger)).toEqual([]);
  });

  it('reports one that was delivered although its sender was told that it was not put', () => {
    const { ledger, publisher } = rightRun();
    (publisher.sent[7] as { outcome: number | null }).outcome = OUTCOME.rejected;
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G5: message 7 .* was delivered and its sender told/)]);
  });

  it('reports one doubled message, which is in the wrong order too', () => {
    const run = rightRun();
    again(run, { outcome: OUTCOME.released, confirmedAt: null }, {});
    expect(problems(run.ledger)).toEqual([
      expect.stringMatching(/^G3: message 6 .* came 2 times unmarked, at 7 ms /),
      expect.stringMatching(/^G4: receiver 1 .* message 6 .* after message 19$/),
    ]);
    expect(problems(run.ledger, { lostDisk: () => true })).toEqual([]);
  });

  it('is content with one that was given back, and comes again marked', () => {
    const run = rightRun();
    again(run, { outcome: OUTCOME.released, confirmedAt: null }, { marked: true });
    expect(problems(run.ledger)).toEqual([]);
  });

  it('reports one that comes back although it was settled for good', () => {
    const run = rightRun();
    again(run, { confirmedAt: null }, { marked: true });
    expect(problems(run.ledger)).toEqual([
      expect.stringMatching(/^G3: message 6 .* came again .* settled it at 7 ms$/),
    ]);
    expect(problems(run.ledger, { mayReturn: () => true })).toEqual([]);
  });

  it('reports one that comes back after that was confirmed, whatever came between', () => {
    const run = rightRun();
    again(run, {}, { marked: true });
    expect(problems(run.ledger, { mayReturn: () => true })).toEqual([
      expect.stringMatching(/^G5: message 6 .* came again .* after its settlement was confirmed at 8 ms$/),
    ]);
    const isLate: QueueOracle['isLate'] = (queue, settledAt, at) => queue === 'q.0' && settledAt === 8 && at === 50;
    expect(problems(run.ledger, { mayReturn: () => true, isLate })).toEqual([]);
  });

  it('reports one reordered message, among those that were not delivered before', () => {
    const { ledger } = rightRun();
    const [late] = ledger.queueDeliveries.splice(4, 1) as [QueueDelivery];
    ledger.queueDeliveries.push(late);
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G4: receiver 0 .* message 4 .* after message 18$/)]);
    ledger.queueDeliveries[MESSAGES - 1] = { ...late, marked: true };
    expect(problems(ledger)).toEqual([]);
  });

  it('reports one with other bytes, one of another queue and one that nobody sent', () => {
    const { ledger, receivers } = rightRun();
    ledger.queueDeliveries[2] = { ...(ledger.queueDeliveries[2] as QueueDelivery), hash: 5 };
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G2: receiver 0 .* message 2 .* with other bytes$/)]);
    ledger.queueDeliveries[2] = { ...(ledger.queueDeliveries[2] as QueueDelivery), hash: 1_002 };
    deliver(ledger, receivers[0], 99);
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G2: .* message 99 .* never sent$/)]);
    ledger.queueDeliveries.pop();
    const other = ledger.openReceiver({ node: 'n1', life: 1, queue: 'q.1', openedAt: 0 });
    deliver(ledger, other, 19, { marked: true });
    ledger.queueDeliveries.splice(19, 1);
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G2: receiver 2 .* message 19 .* not for it$/)]);
  });

  it('owes a message to each subscription that holds its topic, from when that is known on', () => {
    const { ledger, receivers } = rightRun();
    const publisher = ledger.openPublisher({ node: 'n0', life: 1, kind: 'topic', address: 's.0', openedAt: 0 });
    const kept = ['one', 'two'].map((name) => ({ topic: 's.0', queue: `s.0/${name}` }));
    const [one, two] = kept.map(({ queue }) => ledger.openReceiver({ node: 'n1', life: 1, queue, openedAt: 0 }));
    for (const { queue } of kept) ledger.keptFrom.set(queue, 10);
    const found = (): readonly string[] => new QueueJudge(ledger, STRICT, kept).judge();
    const send = (at: number): number =>
      publisher.sent.push({ at, hash: 1_000 + publisher.sent.length, outcome: 0, answeredAt: at, outcomes: 1 }) - 1;
    const get = (receiver: ReceiverRecord | undefined, seq: number): void =>
      deliver(ledger, receiver as ReceiverRecord, seq, { publisher: publisher.id });
    send(5);
    expect(found()).toEqual([]);
    const seq = send(20);
    get(one, seq);
    expect(found()).toEqual([expect.stringMatching(/^G1: message 1 .* never delivered by s\.0\/two$/)]);
    get(two, seq);
    expect(found()).toEqual([]);
    get(two, seq);
    expect(found()).toContainEqual(expect.stringMatching(/^G3: message 1 .* 2 times unmarked/));
    ledger.queueDeliveries.pop();
    get(receivers[0], seq);
    expect(found()).toContainEqual(expect.stringMatching(/^G2: .* which was not for it$/));
  });

  it('reports a consumer that got more than its credit', () => {
    const { ledger, receivers } = rightRun();
    receivers[1].overrun = true;
    expect(problems(ledger)).toEqual([expect.stringMatching(/^G8: receiver 1 .* more than its credit$/)]);
  });
});
