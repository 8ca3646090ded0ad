import fc from 'fast-check';
import { WireReader } from '../common/wire';
import { nodeIdOf } from '../links/contract';
import { SPACE, type Space } from './contract';
import { STATE_BYTES_MAX, VALUE_BYTES_MAX } from './limits';
import { ReplicaTable, type Verdict } from './replica-table';
import { readChanges, readStateHead } from './state-frames';

interface Told {
  readonly table: ReplicaTable;
  readonly events: string[];
}

function tableOf(name: string, incarnation = 100): Told {
  const events: string[] = [];
  const identity = { id: nodeIdOf(name), name, site: name, incarnation };
  const table = new ReplicaTable(
    identity,
    {
      onReplica: (space, _origin, version, replaced, changes) =>
        events.push(`${space}:${version}${replaced ? ' replaced' : ''} ${changes.map(([key]) => key).join()}`.trim()),
      onLife: (origin) => events.push(`life ${origin.name} ${origin.incarnation}`),
      onForgotten: (origin) => events.push(`forgotten ${origin}`),
      onOwnName: (seen) => events.push(`own ${seen}`),
      onCollision: (known, other) => events.push(`collision ${known} ${other}`),
    },
    () => undefined,
  );
  return { table, events };
}

/** Applies one frame that is no part of a larger snapshot, as the exchange does. */
function receive({ table }: Told, frame: Buffer): Verdict {
  const reader = new WireReader(frame);
  const head = readStateHead(reader);
  const verdict = table.judge(head);
  if (verdict === 'own') table.claimOwnName(head);
  if (verdict !== 'next') return verdict;
  const changes = readChanges(reader, head.snapshot);
  if (head.snapshot) table.applySnapshot(head, new Map(changes as [string, Buffer][]));
  else table.applyDelta(head, changes, frame);
  return verdict;
}

const value = Buffer.from('v');

describe('ReplicaTable', () => {
  it('applies deltas in order, knows repetitions and sees gaps', () => {
    const [from, to] = [tableOf('a'), tableOf('b')];
    const frames: Buffer[] = [];
    for (const key of ['x', 'y', 'z']) {
      from.table.set(SPACE.interest, key, value);
      frames.push(...from.table.takePending());
    }
    const [one, two, three] = frames as [Buffer, Buffer, Buffer];
    expect([two, one, one, three, two, two, three].map((frame) => receive(to, frame))).toEqual([
      'gap',
      'next',
      'known',
      'gap',
      'next',
      'known',
      'next',
    ]);
    expect(to.events).toEqual(['life a 100', '1:1 replaced x', '1:2 y', '1:3 z']);
  });

  it('makes one version of the changes of a turn, the last of each key', () => {
    const { table } = tableOf('a');
    table.set(SPACE.interest, 'x', value);
    table.set(SPACE.interest, 'y', value);
    table.delete(SPACE.interest, 'x');
    table.delete(SPACE.interest, 'never');
    expect(table.pendingVersion(SPACE.interest)).toBe(1);
    expect(table.takePending()).toHaveLength(1);
    expect([table.version(SPACE.interest, table.own.id), table.takePending().length]).toEqual([1, 0]);
    table.set(SPACE.interest, 'y', Buffer.from('v'));
    expect(table.pendingVersion(SPACE.interest)).toBe(1);
  });

  it('empties topology and interest of a former life and keeps its facts', () => {
    const [former, next, to] = [tableOf('a', 100), tableOf('a', 200), tableOf('b')];
    for (const space of [0, 1, 2] as Space[]) former.table.set(space, 'old', value);
    for (const frame of former.table.takePending()) receive(to, frame);
    next.table.set(SPACE.interest, 'new', value);
    to.events.length = 0;
    for (const frame of next.table.takePending()) receive(to, frame);
    expect(to.events).toEqual(['life a 200', '0:0 replaced', '1:0 replaced', '1:1 replaced new']);
    const keys = ([0, 1, 2] as Space[]).map((space) => [...to.table.entries(space, former.table.own.id).keys()]);
    expect(keys).toEqual([[], ['new'], ['old']]);
    for (const frame of former.table.takePending()) expect(receive(to, frame)).toBe('known');
  });

  it('begins a new life with versions from 1 and everything told afresh', () => {
    const [from, to] = [tableOf('a'), tableOf('b')];
    for (let n = 0; n < 5; n++) {
      from.table.set(SPACE.interest, `k${n}`, value);
      for (const frame of from.table.takePending()) receive(to, frame);
    }
    from.table.set(SPACE.interest, 'pending', value);
    for (const frame of from.table.advance(300)) expect(receive(to, frame)).toBe('next');
    const { id } = from.table.own;
    expect([from.table.version(SPACE.interest, id), from.table.pendingVersion(SPACE.interest)]).toEqual([1, 1]);
    expect([...to.table.entries(SPACE.interest, id).keys()]).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'pending']);
    expect(from.table.summary).toBe(to.table.summary);
  });

  it('tells an emptied map in its new life, too, for somebody may wait for it', () => {
    const { table } = tableOf('a');
    table.set(SPACE.facts, 'x', value);
    table.takePending();
    table.delete(SPACE.facts, 'x');
    table.takePending();
    const stamp = { space: SPACE.facts, origin: table.own.id, incarnation: 100, version: 2 };
    const to = tableOf('b');
    for (const frame of table.advance(300)) receive(to, frame);
    expect(to.table.isAtLeast(stamp)).toBe(true);
  });

  it('tells of state above its own and of no other', () => {
    const [self, ghost] = [tableOf('a', 100), tableOf('a', 200)];
    self.table.set(SPACE.facts, 'x', value);
    for (const frame of self.table.takePending()) expect(receive(self, frame)).toBe('known');
    ghost.table.set(SPACE.facts, 'x', value);
    for (const frame of ghost.table.takePending()) expect(receive(self, frame)).toBe('own');
    expect(self.events).toEqual(['own 200']);
  });

  it('ignores a second name with one hash, and waits for nothing of it', () => {
    const [first, second, to] = [tableOf('costarring'), tableOf('liquid'), tableOf('b')];
    expect(first.table.own.id).toBe(second.table.own.id);
    for (const { table } of [first, second]) table.set(SPACE.interest, 'x', value);
    expect(first.table.takePending().map((frame) => receive(to, frame))).toEqual(['next']);
    expect(second.table.takePending().map((frame) => receive(to, frame))).toEqual(['refused']);
    expect(to.events.at(-1)).toBe('collision costarring liquid');
    const stamp = { space: SPACE.interest, origin: first.table.own.id, incarnation: 900, version: 9 };
    expect(to.table.isAtLeast(stamp)).toBe(true);
  });

  it('fits the largest entries into frames', () => {
    const { table } = tableOf('a');
    for (let n = 0; n < 4; n++) table.set(SPACE.facts, `k${n}`, Buffer.alloc(VALUE_BYTES_MAX));
    for (const frame of table.takePending()) expect(frame.length).toBeLessThanOrEqual(STATE_BYTES_MAX);
    expect(() => table.set(SPACE.facts, 'k', Buffer.alloc(VALUE_BYTES_MAX + 1))).toThrow('entry too big');
  });

  it('is brought up to date from any former version, and then has an equal summary', () => {
    const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.string({ maxLength: 900 })));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 80 }), fc.nat(80), (changes, known) => {
        const [from, to] = [tableOf('a'), tableOf('b')];
        const { own } = from.table;
        changes.forEach(([key, text], n) => {
          if (text === null) from.table.delete(SPACE.interest, key);
          else from.table.set(SPACE.interest, key, Buffer.from(`${n}${text}`));
          for (const frame of from.table.takePending()) if (n < known) receive(to, frame);
        });
        const replica = own.replicas[SPACE.interest];
        const held = to.table.origin(own.id)?.replicas[SPACE.interest];
        const missing = replica.framesSince(own, held?.incarnation ?? 0, held?.version ?? 0);
        for (const frame of replica.version === (held?.version ?? 0) ? [] : missing) receive(to, frame);
        expect(to.table.entries(SPACE.interest, own.id)).toEqual(replica.entries);
        expect(to.table.summary).toBe(from.table.summary);
      }),
    );
  });
});
