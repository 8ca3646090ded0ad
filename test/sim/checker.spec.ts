import { OUTCOME } from '../../src/streams/contract';
import { checkLedger, type Judgement } from './checker';
import { filterMatches } from './deliveries';
import { Ledger, type ConsumerRecord, type Delivery, type PublisherRecord } from './ledger';
import type { Counts } from './losses';
import { accountOf, type Account, type Missed, type Oracle } from './oracle';

const UNREACHABLE = accountOf('n0', 1, 'unreachable');
const RESTARTED = accountOf('n0', 1, 'peerRestarted');
const DROPPED = accountOf('n2', 1, 'dropOldest');

/** What does not come may be lost on its way, so that its origin has it in one of some accounts. */
function oracleOf(missed: Missed, lost: readonly Account[] = [], dropped: readonly Account[] = []): Oracle {
  return {
    missed: () => missed,
    mayLose: (_publisher, _message, _consumers, doneAt) => (doneAt === null ? lost : []),
    mayDrop: () => dropped,
  };
}

/** Every message must reach everyone. */
const STRICT = oracleOf({ lost: [], dropped: [] });
const LENIENT = oracleOf(null);
const COUNTED = oracleOf({ lost: [UNREACHABLE], dropped: [] }, [UNREACHABLE]);

function problems(ledger: Ledger, oracle: Oracle, counts: Counts = new Map()): Judgement['problems'] {
  return checkLedger(ledger, oracle, counts).problems;
}

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
    publisher.sent.push({ at: seq, hash: 1_000 + seq, outcome: OUTCOME.accepted, answeredAt: seq, outcomes: 1 });
    const to = kind === 'topic' ? consumers : [consumers[seq % 2] as ConsumerRecord];
    for (const { got } of to)
      got.push({ publisher: publisher.id, seq, hash: 1_000 + seq, at: seq + 1, settledAt: seq + 1, accepted: true });
  }
  return { ledger, publisher, consumers };
}

describe('the checker', () => {
  it('is content with a run in which everything went right', () => {
    expect(problems(rightRun().ledger, STRICT)).toEqual([]);
    expect(problems(rightRun('anycast').ledger, STRICT)).toEqual([]);
  });

  it('reports one lost record', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 1);
    expect(problems(ledger, STRICT)).toEqual([
      'G1: consumer 1 (t.x at n2, life 1) never got message 7 of publisher 0 (t.x at n0, life 1), sent at 7 ms',
    ]);
    expect(problems(ledger, LENIENT)).toEqual([]);
  });

  it('asks whether a younger message came', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(3, 1);
    consumers[1].got.splice(14);
    const passed: boolean[] = [];
    problems(ledger, { ...LENIENT, missed: (_publisher, _message, _consumer, one) => (passed.push(one), null) });
    expect(passed).toEqual([true, false, false, false, false, false]);
  });

  it('asks a count for a message that never came, under a reason that may be', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 1);
    expect(problems(ledger, COUNTED, new Map([[UNREACHABLE, 1]]))).toEqual([]);
    expect(problems(ledger, COUNTED)).toEqual([
      expect.stringMatching(/^G1: of 1 messages that never came 1 are not counted \(unreachable at n0, life 1: 0\)/),
    ]);
    expect(problems(ledger, COUNTED, new Map([[RESTARTED, 1]]))).toEqual([
      expect.stringMatching(/^G1: of 1 messages that never came 1 are not counted/),
      expect.stringMatching(/^G1: 1 of 1 messages counted as peerRestarted at n0, life 1 cannot have been lost so$/),
    ]);
  });

  it('reports a count that no message asks for', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 2);
    expect(problems(ledger, COUNTED, new Map([[UNREACHABLE, 2]]))).toEqual([]);
    expect(problems(ledger, COUNTED, new Map([[UNREACHABLE, 3]]))).toEqual([
      expect.stringMatching(/^G1: 1 of 3 messages counted as unreachable at n0, life 1 cannot have been lost so$/),
    ]);
  });

  it('asks one count for all consumers of a node, unless one of them got it', () => {
    const { ledger, publisher, consumers } = rightRun();
    const beside = { node: 'n2', life: 1, kind: 'topic', filter: 't.#', lossy: false, openedAt: 0 } as const;
    const third = ledger.openConsumer(beside);
    third.got.push(...consumers[1].got);
    for (const { got } of [consumers[1], third]) got.splice(5, 1);
    expect(problems(ledger, COUNTED, new Map([[UNREACHABLE, 1]]))).toEqual([]);
    third.got.push({ publisher: publisher.id, seq: 5, hash: 1_005, at: 6, settledAt: 6, accepted: true });
    third.got.sort((one, other) => one.seq - other.seq);
    expect(problems(ledger, COUNTED, new Map())).toEqual([
      expect.stringMatching(/^G1: consumer 1 .* never got message 5 /),
    ]);
  });

  it('asks the node of a consumer that may miss some for each that it dropped', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 3);
    const either = oracleOf({ lost: [UNREACHABLE], dropped: [DROPPED] }, [UNREACHABLE], [DROPPED]);
    for (const [lost, dropped] of [
      [0, 3],
      [2, 1],
      [3, 0],
    ] as const)
      expect(
        problems(
          ledger,
          either,
          new Map([
            [UNREACHABLE, lost],
            [DROPPED, dropped],
          ]),
        ),
      ).toEqual([]);
    expect(problems(ledger, either, new Map([[DROPPED, 2]]))).toEqual([
      expect.stringMatching(/^G1: of 3 messages that never came 1 are not counted/),
    ]);
    expect(problems(ledger, either, new Map([[DROPPED, 4]]))).toEqual([
      expect.stringMatching(/^G1: 1 of 4 messages counted as dropOldest at n2, life 1 cannot/),
    ]);
  });

  it('tells what came, what was counted and what nobody had to count', () => {
    const { ledger, consumers } = rightRun();
    consumers[1].got.splice(7, 3);
    const { losses } = checkLedger(ledger, COUNTED, new Map([[UNREACHABLE, 3]]));
    expect(losses).toMatchObject({ arrived: 2 * MESSAGES - 3, counted: 3, excused: { cutOff: 0 } });
    expect(checkLedger(ledger, oracleOf({ cause: 'cutOff' }), new Map()).losses).toMatchObject({
      counted: 0,
      excused: { cutOff: 3, twin: 0 },
    });
  });

  it('reports one doubled record', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got.splice(4, 0, { ...(consumers[0].got[4] as Delivery) });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G3: consumer 0 .* got message 4 .* twice$/)]);
  });

  it('reports an anycast message that two consumers got', () => {
    const { ledger, consumers } = rightRun('anycast');
    consumers[1].got.push({ ...(consumers[0].got[0] as Delivery) });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G3: .* both got message 0 /)]);
  });

  it('reports one reordered record', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got.push(...consumers[0].got.splice(9, 1));
    expect(problems(ledger, STRICT)).toEqual([
      expect.stringMatching(/^G4: consumer 0 .* message 9 .* after message 19$/),
    ]);
  });

  it('reports one corrupted record, and one that nobody sent', () => {
    const { ledger, consumers } = rightRun();
    consumers[0].got[2] = { ...(consumers[0].got[2] as Delivery), hash: 5 };
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G2: .* message 2 .* with other bytes$/)]);
    consumers[0].got[2] = { ...(consumers[0].got[2] as Delivery), hash: 1_002 };
    consumers[0].got.push({ publisher: 0, seq: 99, hash: 1, at: 50, settledAt: null, accepted: false });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G2: .* message 99 .* never sent$/)]);
  });

  it('reports one missing and one doubled outcome, unless the publisher died before it', () => {
    const { ledger, publisher } = rightRun();
    Object.assign(publisher.sent[6] as object, { outcome: null, outcomes: 0 });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 6 .* never had an outcome$/)]);
    publisher.diedAt = 30;
    expect(problems(ledger, STRICT)).toEqual([]);
    Object.assign(publisher.sent[6] as object, { outcome: OUTCOME.accepted, outcomes: 2 });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 6 .* had 2 outcomes$/)]);
  });

  it('reports a message that came to one whom it was not for', () => {
    const { ledger } = rightRun();
    const other = ledger.openConsumer({ node: 'n1', life: 1, kind: 'topic', filter: 'u.#', lossy: false, openedAt: 0 });
    other.got.push({ publisher: 0, seq: 3, hash: 1_003, at: 4, settledAt: 4, accepted: true });
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G2: consumer 2 .* message 3 .* not for it$/)]);
  });

  it('reports an anycast outcome that nobody gave, and a release of what was delivered', () => {
    const { ledger, publisher, consumers } = rightRun('anycast');
    consumers[0].got.splice(0, 1);
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 0 .* accepted by nobody/)]);
    (publisher.sent[0] as { outcome: number }).outcome = OUTCOME.released;
    expect(problems(ledger, STRICT)).toEqual([]);
    (publisher.sent[1] as { outcome: number }).outcome = OUTCOME.released;
    expect(problems(ledger, STRICT)).toEqual([expect.stringMatching(/^G5: message 1 .* was delivered and/)]);
  });

  it('knows which names a filter matches', () => {
    expect(['t', 't.x', 't.x.z', 'u.x'].map((name) => filterMatches('t.#', name))).toEqual([true, true, true, false]);
    expect(['t', 't.x', 't.x.z'].map((name) => filterMatches('t.*', name))).toEqual([false, true, false]);
    expect(['t.x', 't.xx'].map((name) => filterMatches('t.x', name))).toEqual([true, false]);
  });
});
