import { QueueLedger } from './queue-ledger';

const ADDRESS = 'queue/jobs';

/** Ten messages of one sender to two receivers in turn, all accepted and settled. */
function perfectRun() {
  const ledger = new QueueLedger();
  const records = ['w1', 'w2'].map((name) => ledger.join(name, ADDRESS));
  const arrive = (receiver: number, seq: number, redelivered = false, digest = `digest ${seq}`): void =>
    records[receiver]?.take({ sender: 's', seq, digest, redelivered });
  return { ledger, arrive };
}

function sendAll(ledger: QueueLedger): void {
  for (let n = 0; n < 10; n++) ledger.sent.send('s', ADDRESS, `digest ${n}`).answer = 'accepted';
}

describe('the ledger of a queue', () => {
  let ledger: QueueLedger;
  let arrive: ReturnType<typeof perfectRun>['arrive'];

  beforeEach(() => {
    ({ ledger, arrive } = perfectRun());
    sendAll(ledger);
  });

  const kinds = (): string[] => ledger.judge().map(({ kind, receiver, seq }) => `${kind} ${receiver} ${seq}`);
  const arriveBut = (left: number): void => {
    for (let n = 0; n < 10; n++) if (n !== left) arrive(n % 2, n);
  };

  it('finds nothing in a perfect run', () => {
    arriveBut(-1);
    expect(kinds()).toEqual([]);
  });

  it('finds one lost, one doubled, one reordered, one corrupted and one invented message', () => {
    arriveBut(4);
    expect(kinds()).toEqual(['lost all 4']);
    arrive(0, 4);
    arrive(1, 7);
    arrive(1, 11);
    expect(kinds()).toEqual(['reordered w1 4', 'doubled w2 7', 'invented w2 11']);
    ledger.sent.send('s', ADDRESS, 'digest 10').answer = 'accepted';
    arrive(0, 10, false, 'other');
    expect(kinds().slice(3)).toEqual(['corrupted w1 10']);
  });

  it('lets a marked redelivery come late and again, but not after its settlement was confirmed', () => {
    arriveBut(4);
    arrive(0, 4, true);
    arrive(1, 7, true);
    expect(kinds()).toEqual([]);
    ledger.settled('s', 7);
    arrive(0, 7, true);
    expect(kinds()).toEqual(['returned w1 7']);
  });

  it('finds a message without an answer', () => {
    arriveBut(-1);
    ledger.sent.send('s', ADDRESS, 'digest 10');
    expect(kinds()).toEqual(['unanswered all 10']);
  });
});
