import fc from 'fast-check';
import { OUTCOME, type Outcome, type Receipt } from '../streams/contract';
import type { LocalPublisher } from './local-publisher';
import { entryOf, pool } from './parts.fixture';
import { PendingTable } from './pending';
import { SiteSlots } from './site-slots';

const receipt: Receipt = { origin: 1, incarnation: 1, cls: 2, epoch: 1 };

describe('tracked messages at a site', () => {
  const { accepted, rejected, released, undelivered, modifiedFailed } = OUTCOME;

  it.each([
    [[accepted], accepted],
    [[accepted, accepted, accepted], accepted],
    [[accepted, rejected, accepted], rejected],
    [[rejected, modifiedFailed], rejected],
    [[undelivered], undelivered],
    [[undelivered, accepted], accepted],
    [[accepted, undelivered], accepted],
    [[undelivered, released, undelivered], released],
  ])('%j of its consumers is %d for the site', (said, expected) => {
    const told: Outcome[] = [];
    const slots = new SiteSlots({
      remote: (_entry, _receipt, _seq, outcome) => told.push(outcome),
      local: () => undefined,
    });
    const slot = slots.add(receipt, 5, said.length, entryOf('multicast', 'm'));
    said.forEach((outcome) => slots.settle(slot, outcome, null));
    expect([told, slots.size]).toEqual([[expected], 0]);
  });

  it('tell the right one, whatever the order, far beyond the first room', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ local: fc.boolean(), order: fc.nat() }), { maxLength: 300 }), (messages) => {
        const told = new Map<string, string>();
        const slots = new SiteSlots({
          remote: (entry, from, seq, outcome, detail) =>
            told.set(`remote ${seq}`, `${entry.name} ${from.origin} ${outcome} ${detail?.condition}`),
          local: (entry, pending, outcome, detail) =>
            told.set(`local ${pending}`, `${entry.name} ${outcome} ${detail?.condition}`),
        });
        const taken = messages.map(({ local, order }, n) => ({
          slot: slots.add(local ? null : receipt, n, 1, entryOf('multicast', `e${n}`)),
          order,
          n,
          local,
        }));
        expect(new Set(taken.map(({ slot }) => slot)).size).toBe(messages.length);
        for (const { slot, n } of [...taken].sort((a, b) => a.order - b.order))
          slots.settle(slot, rejected, { condition: `c${n}` });
        for (const { n, local } of taken)
          expect(told.get(`${local ? 'local' : 'remote'} ${n}`)).toBe(
            local ? `e${n} ${rejected} c${n}` : `e${n} 1 ${rejected} c${n}`,
          );
        expect([slots.size, told.size]).toEqual([0, messages.length]);
      }),
    );
  });
});

describe('pending messages', () => {
  function publisher(): { readonly publisher: LocalPublisher; readonly told: unknown[] } {
    const told: unknown[] = [];
    const stand = {
      pending: 0,
      finish: (...outcome: unknown[]) => void (stand.pending--, told.push(outcome)),
      forget: () => void stand.pending--,
    };
    return { publisher: stand as unknown as LocalPublisher, told };
  }

  it('are told once, and keep their slot until it is freed', () => {
    const pending = new PendingTable();
    const { publisher: sender, told } = publisher();
    const entry = entryOf('multicast', 'm');
    const slot = pending.add(sender, entry, 42, 1);
    expect([pending.isOpen(slot), pending.size, entry.inFlight, sender.pending]).toEqual([true, 1, 1, 1]);
    pending.finish(slot, OUTCOME.accepted, null);
    pending.finish(slot, OUTCOME.rejected, null);
    expect([told, pending.isOpen(slot), pending.size]).toEqual([[[42, OUTCOME.accepted, null]], false, 1]);
    pending.free(slot);
    expect([pending.find(slot), pending.size, entry.inFlight, sender.pending]).toEqual([null, 0, 0, 0]);
    expect(() => pending.entry(slot)).toThrow('is free');
  });

  it('have a serial that tells two with one slot apart', () => {
    const pending = new PendingTable();
    const { publisher: sender } = publisher();
    const slot = pending.add(sender, entryOf('anycast', 'a'), 1, 0);
    const serial = pending.serial(slot);
    pending.withdraw(slot);
    pending.free(slot);
    expect(pending.serial(slot)).toBe(0);
    expect(pending.add(sender, entryOf('anycast', 'a'), 2, 0)).toBe(slot);
    expect(pending.serial(slot)).not.toBe(serial);
  });

  it('keep their bytes, and let go of them', () => {
    const pending = new PendingTable();
    const { publisher: sender } = publisher();
    const memory = pool();
    const slots = Array.from({ length: 100 }, (_, n) => pending.add(sender, entryOf('anycast', 'a'), n, n % 8));
    for (const slot of slots) {
      const chunk = memory.allocate(10);
      pending.keep(slot, chunk, slot, slot + 1);
      chunk.release();
    }
    for (const slot of slots) {
      const fields = [pending.start(slot), pending.length(slot), pending.flags(slot)];
      expect(fields).toEqual([slot, slot + 1, slot % 8]);
    }
    pending.takeKept(slots[0] as number)?.release();
    for (const slot of slots) pending.free(slot);
    expect(memory.used).toBe(0);
  });

  it('are overdue after their deadline, once told no more, and say when the next is', () => {
    const pending = new PendingTable();
    const { publisher: sender } = publisher();
    const slots = [50, 20, 90, 20].map((deadline, n) => {
      const slot = pending.add(sender, entryOf('multicast', 'm'), n, 0);
      pending.expire(slot, deadline);
      return slot;
    });
    pending.finish(slots[3] as number, OUTCOME.accepted, null);
    expect(pending.overdue(50)).toEqual({ slots: [slots[0], slots[1]], next: 90 });
    expect(pending.overdue(10)).toEqual({ slots: [], next: 20 });
  });

  it('remember where they were tried', () => {
    const pending = new PendingTable();
    const slot = pending.add(publisher().publisher, entryOf('anycast', 'a'), 1, 0);
    expect(pending.tried(slot, 5)).toEqual([5]);
    expect(pending.tried(slot, 6)).toEqual([5, 6]);
    pending.free(slot);
    expect(pending.add(publisher().publisher, entryOf('anycast', 'a'), 1, 0)).toBe(slot);
    expect(pending.tried(slot, 7)).toEqual([7]);
  });
});
