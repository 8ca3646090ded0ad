import { OUTCOME } from '../../src/streams/contract';
import { checkLedger, filterMatches } from './checker';
import { Ledger, type ConsumerRecord, type Delivery, type PublisherRecord } from './ledger';
import type { Oracle } from './oracle';

/** Every message must reach everyone. */
const STRICT: Oracle = { mustReach: () => true };
const LENIENT: Oracle = { mustReach: () => false };

const MESSAGES = 20;

interface Told {
  readonly ledger: Ledger;
  readonly publisher: PublisherRecord;
  readonly consumers: readonly [ConsumerRecord, ConsumerRecord];
}

/** A run in which everything went right: one publisher, and two consumers that got all of it, or of anycast a half each. */
function rightRun(kind: 'topic' | 'anycast' = 'topic'): Told {
  const ledger = new Ledger();
  const name = kind === 'topic' ? 't.x' : 'a.one';
  const publisher = ledger.openPublisher({ node: 'n0', life: 1, kind, address: name, openedAt: 0 });
  const open = (node: string): ConsumerRecord =>
    ledger.openConsumer({ node, life: 1, kind, filter: name, lossy: false, openedAt: 0 });
  const consumers = [open('n1'), open('n2')] as const;
  for (let seq = 0; seq < MESSAGES; seq++) {
    publisher.sent.push({ at: seq, hash: 1_000 + seq, outcome: OUTCOME.accepted, outcomes: 1 });
    const to = kind === 'topic' ? consumers : [consumers[seq % 2] as ConsumerRecord];
    for (const { got } of to)
      got.push({ publisher: publisher.id, seq, hash: 1_000 + seq, at: seq + 1, accepted: true });
  }
  return { ledger, publisher, consumers };
}

describe('the checker', () => {
  it('is content with a run in which everything went right', () => {
    expect(checkLedger(rightRun().ledger, STRICT)).toEqual([]);
    expect(checkLedger(rightRun('anycast').ledger, STRICT)).toEqual([]);
  });

  it('reports one lost record', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 1);
    expect(checkLedger(ledger, STRICT)).toEqual([
      'G1: consumer 1 (t.x at n2, life 1) never got message 7 of publisher 0 (t.x at n0, life 1), sent at 7 ms',
    ]);
    expect(checkLedger(ledger, LENIENT)).toEqual([]);
  });

  it('reports a hole in what a consumer got before it ended, and not what came after', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].endedAt = 15;
    consumers[1].got.splice(15);
    expect(checkLedger(ledger, STRICT)).toEqual([]);
    consumers[1].got.splice(3, 1);
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G1: .*message 3 /)]);
  });

  it('reports one doubled record', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got.splice(4, 0, { ...(consumers[0].got[4] as Delivery) });
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G3: consumer 0 .* got message 4 .* twice$/)]);
  });

  it('reports an anycast message that two consumers got', () => {
    const { ledger, consumers } = rightRun('anycast');
    consumers[1].got.push({ ...(consumers[0].got[0] as Delivery) });
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G3: .* both got message 0 /)]);
  });

  it('reports one reordered record', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got.push(...consumers[0].got.splice(9, 1));
    expect(checkLedger(ledger, STRICT)).toEqual([
      expect.stringMatching(/^G4: consumer 0 .* message 9 .* after message 19$/),
    ]);
  });

  it('reports one corrupted record, and one that nobody sent', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got[2] = { ...(consumers[0].got[2] as Delivery), hash: 5 };
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G2: .* message 2 .* with other bytes$/)]);
    consumers[0].got[2] = { ...(consumers[0].got[2] as Delivery), hash: 1_002 };
    consumers[0].got.push({ publisher: 0, seq: 99, hash: 1, at: 50, accepted: false });
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G2: .* message 99 .* never sent$/)]);
  });

  it('reports one missing and one doubled outcome, unless the publisher died before it', () => {
    const { ledger, publisher } = rightRun();
    Object.assign(publisher.sent[6] as object, { outcome: null, outcomes: 0 });
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 6 .* never had an outcome$/)]);
    publisher.diedAt = 30;
    expect(checkLedger(ledger, STRICT)).toEqual([]);
    Object.assign(publisher.sent[6] as object, { outcome: OUTCOME.accepted, outcomes: 2 });
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 6 .* had 2 outcomes$/)]);
  });

  it('reports an anycast outcome that nobody gave, and a release of what was delivered', () => {
    const { ledger, publisher, consumers } = rightRun('anycast');
    consumers[0].got.splice(0, 1);
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 0 .* accepted by nobody/)]);
    (publisher.sent[0] as { outcome: number }).outcome = OUTCOME.released;
    expect(checkLedger(ledger, STRICT)).toEqual([]);
    (publisher.sent[1] as { outcome: number }).outcome = OUTCOME.released;
    expect(checkLedger(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 1 .* was delivered and/)]);
  });

  it('knows which names a filter matches', () => {
    expect(['t', 't.x', 't.x.z', 'u.x'].map((name) => filterMatches('t.#', name))).toEqual([true, true, true, false]);
    expect(['t', 't.x', 't.x.z'].map((name) => filterMatches('t.*', name))).toEqual([false, true, false]);
    expect(['t.x', 't.xx'].map((name) => filterMatches('t.x', name))).toEqual([true, false]);
  });
});
