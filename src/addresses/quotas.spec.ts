import { nodeIdOf } from '../links/contract';
import type { AddressEntry } from './address-entry';
import { Candidate } from './candidate';
import { CONTROL } from './control';
import { INGRESS_ACTIVE_MS, QUOTA_MS } from './limits';
import { entryOf, policy, TestClock, TestStreams } from './parts.fixture';
import { Quotas } from './quotas';

const SELF = nodeIdOf('self');

function setup(overflowAt: number | null = 100) {
  const clock = new TestClock();
  const streams = new TestStreams();
  const changed: AddressEntry[] = [];
  const quotas = new Quotas(
    SELF,
    clock,
    streams,
    (entry) => changed.push(entry),
    () => undefined,
  );
  const entry = entryOf('anycast', 'a', { overflowAt });
  const own = new Candidate(SELF, null);
  entry.known.set(SELF, own);
  const pass = (ms: number): void => {
    clock.at += ms;
    quotas.tick(clock.at);
  };
  /** What was told since, by node. */
  const told = (): Map<number, number> => {
    const all = new Map<number, number>();
    for (const { to, kind, reader } of streams.controls.splice(0)) {
      expect([kind, reader.text()]).toEqual([CONTROL.quota, entry.wire]);
      all.set(to, reader.u32());
    }
    return all;
  };
  return { clock, quotas, entry, own, pass, told, changed };
}

describe('quotas', () => {
  it('are the whole load for one ingress, and even shares for several, told when that changes', () => {
    const { quotas, entry, own, pass, told, changed } = setup();
    quotas.heard(entry, 1);
    pass(0);
    expect(told()).toEqual(new Map([[1, 100]]));
    quotas.heard(entry, 2);
    quotas.heard(entry, SELF);
    pass(QUOTA_MS - 1);
    expect(told().size).toBe(0);
    pass(1);
    expect(told()).toEqual(
      new Map([
        [1, 33],
        [2, 33],
      ]),
    );
    expect([own.quota, changed]).toEqual([33, [entry]]);
    for (let n = 0; n < 10; n++) {
      for (const node of [1, 2, SELF]) quotas.heard(entry, node);
      pass(QUOTA_MS);
    }
    expect(told().size).toBe(0);
  });

  it('never add up to more than the load, while there is one each', () => {
    const { quotas, entry, pass, told } = setup(7);
    for (const node of [1, 2, 3]) quotas.heard(entry, node);
    pass(0);
    expect([...told().values()]).toEqual([2, 2, 2]);
    for (let node = 1; node <= 10; node++) quotas.heard(entry, node);
    pass(QUOTA_MS);
    expect([...told().values()]).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it('go to the others when an ingress is silent and has nothing here any more', () => {
    const { quotas, entry, pass, told, clock } = setup();
    quotas.heard(entry, 1);
    quotas.heard(entry, 2);
    pass(0);
    told();
    // What it still has at consumers here keeps an ingress active, however long it is silent.
    quotas.settled(entry, 2);
    clock.at += INGRESS_ACTIVE_MS / 2;
    quotas.heard(entry, 1);
    pass(INGRESS_ACTIVE_MS / 2);
    expect(told()).toEqual(
      new Map([
        [1, 100],
        [2, 1],
      ]),
    );
    pass(INGRESS_ACTIVE_MS * 3);
    expect(told().size).toBe(0);
    quotas.settled(entry, 1);
    quotas.settled(entry, 1);
    pass(INGRESS_ACTIVE_MS);
    expect(told()).toEqual(new Map([[1, 1]]));
    expect(quotas.deadline()).toBe(Infinity);
  });

  it('follow a change of the rule, and end with it', () => {
    const { quotas, entry, pass, told } = setup();
    quotas.heard(entry, 1);
    pass(0);
    told();
    entry.policy = policy('anycast', { overflowAt: 40 });
    quotas.review(entry);
    pass(QUOTA_MS);
    expect(told()).toEqual(new Map([[1, 40]]));
    entry.policy = policy('anycast');
    quotas.review(entry);
    pass(QUOTA_MS);
    expect([told().size, quotas.deadline()]).toEqual([0, Infinity]);
    quotas.heard(entry, 1);
    expect(quotas.deadline()).toBe(Infinity);
  });

  it('are told anew to an ingress that lives anew', () => {
    const { quotas, entry, pass, told } = setup();
    quotas.heard(entry, 1);
    pass(0);
    told();
    quotas.newLife(1);
    quotas.heard(entry, 1);
    pass(QUOTA_MS);
    expect(told()).toEqual(new Map([[1, 100]]));
  });
});
