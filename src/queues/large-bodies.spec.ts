import type { LargeBody, OutcomeDetail } from '../streams/contract';
import type { StagedBody } from './contract';
import { SEGMENT_BYTES, SEGMENTS_MAX } from './limits';
import { Home, MemoryBody } from './queues.fixture';

const LENGTH = 20 * SEGMENT_BYTES;

describe('a large message of others', () => {
  let home: Home;
  let told: (OutcomeDetail | null)[];
  beforeEach(() => {
    home = new Home();
    told = [];
  });

  const stage = (body: LargeBody): StagedBody => home.host.bodies.stage(body, (refusal) => told.push(refusal));

  /** Nothing is left of it: on the disk, nor held in memory. */
  function expectNothing(body: MemoryBody): void {
    home.pass(1_000);
    expect([home.store.records, body.refs]).toEqual([0, 1]);
  }

  it('is stored, and there for who adopts it', () => {
    const body = new MemoryBody(Buffer.alloc(LENGTH, 'a'));
    const staged = stage(body);
    home.settle();
    expect([told, body.refs]).toEqual([[null], 1]);
    staged.adopt();
    home.settle();
    const read = Buffer.alloc(10);
    const stored = home.host.bodies.open(staged.id, LENGTH);
    expect(stored.read(LENGTH - 5, read)).toBe(5);
    stored.release();
    home.host.bodies.discard(staged.id, LENGTH);
    expectNothing(body);
  });

  it.each([
    ['has no room', true, 'amqp:resource-limit-exceeded', 'the disk of the queue is full'],
    ['fails', false, 'amqp:internal-error', 'the message could not be written to disk'],
  ])('is refused for what is wrong with a disk that %s', (_how, lacksRoom, condition, description) => {
    const body = new MemoryBody(Buffer.alloc(LENGTH, 'a'));
    stage(body);
    home.store.setState('failed', lacksRoom);
    home.settle();
    expect(told).toEqual([{ condition, description }]);
    home.store.setState('ok');
    expectNothing(body);
  });

  it('that is larger than any may be is refused for that', () => {
    const released: string[] = [];
    const length = SEGMENT_BYTES * SEGMENTS_MAX + 1;
    stage({ length, read: () => 0, retain: () => undefined, release: () => void released.push('once') });
    home.settle();
    expect(told).toEqual([{ condition: 'amqp:link:message-size-exceeded', description: expect.any(String) as string }]);
    expect(released).toEqual(['once']);
  });

  it.each([
    ['before it is stored', 0],
    ['half way', 1],
    ['when it is stored', 100],
  ])('leaves nothing, and nobody is told, when it is abandoned %s', (_when, turns) => {
    const [body, next] = [new MemoryBody(Buffer.alloc(LENGTH, 'a')), new MemoryBody(Buffer.alloc(LENGTH, 'b'))];
    const staged = stage(body);
    stage(next);
    for (let turn = 0; turn < turns; turn++) {
      home.host.tick(home.wall);
      home.store.settle();
    }
    const before = [...told];
    staged.abandon();
    staged.abandon();
    home.settle();
    // The one behind it gets its turn.
    expect(told.slice(before.length)).toEqual(turns === 100 ? [] : [null]);
    expect([body.refs, next.refs]).toEqual([1, 1]);
  });
});
