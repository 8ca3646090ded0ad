import { AddressEntry } from './address-entry';
import type { Forwarder } from './forwarder';
import type { HomeCircuit } from './home-circuit';
import { LOCK_WAIT_MS } from './limits';
import { QueueLocks } from './queue-locks';
import { defaultPolicy } from './rules';

const entry = new AddressEntry('queue', 'qjobs', defaultPolicy('queue'), {} as Forwarder);
const circuit = (closing: boolean, isInTheWay = true): HomeCircuit =>
  ({ closing, isInTheWay: () => isInTheWay }) as unknown as HomeCircuit;

function locks(...circuits: HomeCircuit[]) {
  const asked: [HomeCircuit, number][] = [];
  let now = 1_000;
  const all = new QueueLocks({
    now: () => now,
    circuitsTo: () => circuits,
    ask: (one, number) => void asked.push([one, number]),
  });
  let tries = 0;
  return {
    locks: all,
    asked,
    wait: () => all.wait(entry, true, () => tries++),
    tries: () => tries,
    pass: (ms: number) => all.tick((now += ms)),
  };
}

describe('QueueLocks', () => {
  it('waits for nobody who is not in the way', () => {
    expect(locks(circuit(false, false)).wait()).toBe(false);
  });

  it('waits for who has it to answer, or to go, and asks none that closes', () => {
    const leaving = circuit(true);
    const there = circuit(false);
    const { locks: all, wait, asked, tries } = locks(leaving, there);
    expect(wait()).toBe(true);
    expect(asked).toEqual([[there, 1]]);
    all.gone(leaving);
    expect(tries()).toBe(0);
    all.gone(there);
    expect(tries()).toBe(1);
    all.isThere(there, 1);
    expect(tries()).toBe(1);
  });

  it('takes no answer for one to a later question', () => {
    const there = circuit(false);
    const { locks: all, wait, tries } = locks(there);
    wait();
    wait();
    all.isThere(there, 1);
    expect(tries()).toBe(1);
    all.isThere(there, 2);
    expect(tries()).toBe(2);
  });

  it('does not wait for ever', () => {
    const { locks: all, wait, tries, pass } = locks(circuit(false));
    expect(all.deadline()).toBe(Infinity);
    wait();
    expect(all.deadline()).toBe(1_000 + LOCK_WAIT_MS);
    pass(LOCK_WAIT_MS - 1);
    expect(tries()).toBe(0);
    pass(1);
    expect([tries(), all.deadline()]).toEqual([1, Infinity]);
  });
});
