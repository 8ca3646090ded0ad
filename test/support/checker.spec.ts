import { check, describeViolations, type CheckOptions } from './checker';
import { Ledger, type Receiver } from './ledger';

const ADDRESSES = ['orders.new', 'orders.old'];

/** Two senders, two receivers that get everything and two that share: as a perfect mesh would leave it. */
class Run {
  readonly ledger = new Ledger();
  readonly far = this.ledger.join('far', 'each', (address) => address.startsWith('orders.'));
  readonly near = this.ledger.join('near', 'each', (address) => address.startsWith('orders.'));
  readonly workers = ['w1', 'w2'].map((name) => this.ledger.join(name, 'share', (address) => address === 'jobs'));

  constructor() {
    for (let n = 0; n < 40; n++) {
      const sender = `s${n % 2}`;
      const orders = this.ledger.send(sender, ADDRESSES[(n >> 1) % 2] as string, `digest ${n}`);
      const job = this.ledger.send(sender, 'jobs', `job ${n}`);
      for (const receiver of [this.far, this.near]) this.arrive(receiver, orders.sender, orders.seq);
      this.arrive(this.workers[n % 2] as Receiver, job.sender, job.seq);
      orders.answer = 'accepted';
      job.answer = 'accepted';
    }
  }

  arrive(receiver: Receiver, sender: string, seq: number, redelivered = false): void {
    const { digest } = this.ledger.senders.get(sender)?.[seq] ?? { digest: 'none' };
    receiver.arrivals.push({ sender, seq, digest, redelivered });
  }

  /** Position of a message among a receiver's arrivals. */
  at(receiver: Receiver, sender: string, seq: number): number {
    return receiver.arrivals.findIndex((arrival) => arrival.sender === sender && arrival.seq === seq);
  }

  kinds(options?: CheckOptions): string[] {
    return check(this.ledger, options).map(({ kind, receiver, sender, seq }) => `${kind} ${receiver} ${sender}/${seq}`);
  }
}

describe('the checker of a ledger', () => {
  let run: Run;
  beforeEach(() => (run = new Run()));

  it('finds nothing in a perfect run', () => {
    expect(run.kinds()).toEqual([]);
  });

  it('finds one lost message', () => {
    run.far.arrivals.splice(run.at(run.far, 's0', 6), 1);
    expect(run.kinds()).toEqual(['lost far s0/6']);
  });

  it('finds one lost message at the end', () => {
    run.near.arrivals.splice(run.at(run.near, 's1', 38), 1);
    expect(run.kinds()).toEqual(['lost near s1/38']);
  });

  it('finds one lost message of those who share', () => {
    const [worker] = run.workers as [Receiver];
    worker.arrivals.splice(run.at(worker, 's0', 5), 1);
    expect(run.kinds()).toEqual(['lost null s0/5']);
  });

  it('finds one doubled message', () => {
    run.arrive(run.far, 's0', 6);
    expect(run.kinds()).toEqual(['doubled far s0/6']);
  });

  it('finds one message that two who share both got', () => {
    run.arrive(run.workers[1] as Receiver, 's0', 5);
    expect(run.kinds()).toEqual(['doubled w2 s0/5']);
  });

  it('finds one reordered message', () => {
    const at = run.at(run.far, 's0', 4);
    const [late] = run.far.arrivals.splice(at, 1);
    run.far.arrivals.splice(at + 4, 0, late as (typeof run.far.arrivals)[0]);
    expect(run.ledger.senders.get('s0')?.[8]?.address).toBe(run.ledger.senders.get('s0')?.[4]?.address);
    expect(run.kinds()).toEqual(['reordered far s0/4']);
  });

  it('lets messages of different addresses overtake each other', () => {
    const at = run.at(run.far, 's0', 4);
    const next = run.at(run.far, 's0', 6);
    const { arrivals } = run.far;
    [arrivals[at], arrivals[next]] = [arrivals[next] as never, arrivals[at] as never];
    expect(run.kinds()).toEqual([]);
  });

  it('finds one corrupted message', () => {
    const at = run.at(run.near, 's1', 8);
    run.near.arrivals[at] = { ...(run.near.arrivals[at] as (typeof run.near.arrivals)[0]), digest: 'other' };
    expect(run.kinds()).toEqual(['corrupted near s1/8']);
  });

  it('finds a message that nobody sent, and one that came to the wrong receiver', () => {
    run.arrive(run.far, 's9', 0);
    run.arrive(run.far, 's0', 1);
    expect(run.kinds()).toEqual(['invented far s9/0', 'invented far s0/1']);
  });

  it('finds a message without an answer', () => {
    run.ledger.send('s0', 'jobs', 'x');
    expect(run.kinds()).toEqual(['unanswered null s0/40']);
    run.ledger.disconnected('s0');
    expect(run.kinds()).toEqual([]);
  });

  it('takes an unknown or refused message neither for lost nor for doubled', () => {
    for (const answer of ['unknown', 'refused'] as const) {
      const lost = run.ledger.send('s0', 'orders.new', 'x');
      const arrived = run.ledger.send('s0', 'orders.new', 'y');
      lost.answer = answer;
      arrived.answer = answer;
      for (const receiver of [run.far, run.near]) run.arrive(receiver, 's0', arrived.seq);
    }
    expect(run.kinds()).toEqual([]);
  });

  it('takes a redelivery for doubled unless one is due and it is marked', () => {
    run.arrive(run.far, 's0', 6, true);
    expect(run.kinds()).toEqual(['doubled far s0/6']);
    expect(run.kinds({ redeliveries: true })).toEqual([]);
    run.arrive(run.far, 's0', 6, false);
    expect(run.kinds({ redeliveries: true })).toEqual(['doubled far s0/6']);
  });

  it('expects of a receiver only what was sent while it was there', () => {
    const late = run.ledger.join('late', 'each', () => true);
    expect(run.kinds()).toEqual([]);
    const sent = ['a', 'b', 'c'].map((digest) => run.ledger.send('s0', 'late', digest));
    for (const one of sent) one.answer = 'accepted';
    run.arrive(late, 's0', (sent[1] as (typeof sent)[0]).seq);
    expect(run.kinds()).toEqual(['lost late s0/40', 'lost late s0/42']);
    late.present = false;
    expect(run.kinds()).toEqual(['lost late s0/40']);
  });

  it('forgives as many lost messages as were counted, and not one more', () => {
    run.far.arrivals.splice(run.at(run.far, 's0', 6), 1);
    run.far.arrivals.splice(run.at(run.far, 's0', 8), 1);
    expect(run.kinds({ countedDrops: 2 })).toEqual([]);
    expect(run.kinds({ countedDrops: 1 })).toEqual(['lost far s0/8']);
  });

  it('says in a line what is wrong', () => {
    run.far.arrivals.length = 0;
    expect(describeViolations(check(run.ledger))).toEqual([
      '20 lost at far from s0: 0 2 4 6 8 10 12 14 …',
      '20 lost at far from s1: 0 2 4 6 8 10 12 14 …',
    ]);
  });
});
