import { OUTCOME } from '../streams/contract';
import type { Queue } from './contract';
import { INTAKE_WAITING_BYTES, PLACED_PER_TURN, PLACED_UNFLUSHED_MAX, TRANSACTION_COPIES_MAX } from './limits';
import { Home, largeOf, MemoryBody, messageOf, routed } from './queues.fixture';

const QUEUES = 64;

describe('the pace of an intake', () => {
  let home: Home;
  let queues: readonly Queue[];
  let intake: Queue;
  beforeEach(() => {
    home = new Home();
    queues = Array.from({ length: QUEUES }, (_, n) => home.open({}, `q${n}`));
    intake = home.host.intake('$durable/here', () => queues);
  });

  const put = (text: string, bytes = 0): number => home.put(intake, routed('a', messageOf(text.padEnd(bytes, '.'))));
  const putMany = (count: number): number[] => Array.from({ length: count }, (_, n) => put(`m${n}`));
  const depth = (): number => queues[QUEUES - 1]?.view().depth ?? 0;
  const perTurn = PLACED_PER_TURN / QUEUES;

  it('puts so much in one turn, and the rest in the next ones, in order', () => {
    const tokens = putMany(3 * perTurn);
    home.host.flush();
    expect(depth()).toBe(perTurn);
    home.host.tick(home.wall);
    expect(depth()).toBe(2 * perTurn);
    put('last');
    const consumer = home.consume(queues[0] as Queue, 10_000);
    home.settle();
    expect(new Set(tokens.map((token) => home.outcomes.get(token)))).toEqual(new Set([OUTCOME.accepted]));
    expect(consumer.texts).toEqual([...tokens.map((_, n) => `m${n}`), 'last']);
  });

  it('waits while more is on its way to the disk than should be', () => {
    putMany(2 * (PLACED_UNFLUSHED_MAX / QUEUES));
    home.host.flush();
    for (let turns = 0; turns < 20; turns++) home.host.tick(home.wall);
    expect(depth()).toBe(PLACED_UNFLUSHED_MAX / QUEUES);
    expect(home.host.deadline()).toBeGreaterThan(0);
    home.settle();
    expect(depth()).toBe(2 * (PLACED_UNFLUSHED_MAX / QUEUES));
  });

  it('keeps large messages and repeated puts in their places', () => {
    const mark = intake.mark('west', 5);
    const message = (n: number): Buffer => routed('a', messageOf(`m${n}`));
    const tokens = Array.from({ length: 2 * perTurn }, (_, n) => home.put(intake, message(n), 0, mark, n + 1));
    const body = largeOf('x', 200_000);
    const large = home.putLarge(intake, new MemoryBody(routed('a', body.bytes)), mark, 2 * perTurn + 1);
    const again = home.put(intake, message(perTurn), 0, mark, perTurn + 1);
    const consumer = home.consume(queues[0] as Queue, 10_000);
    home.settle();
    expect(new Set([...tokens, large, again].map((token) => home.outcomes.get(token)))).toEqual(
      new Set([OUTCOME.accepted]),
    );
    expect(consumer.texts).toEqual([...tokens.map((_, n) => `m${n}`), 'large 200000 of x']);
  });

  it('refuses all that waits when the store fails', () => {
    const tokens = putMany(4 * perTurn);
    home.host.flush();
    home.store.setState('full');
    home.settle();
    expect(tokens.filter((token) => home.outcomes.get(token) === OUTCOME.rejected).length).toBeGreaterThan(2 * perTurn);
    expect(tokens.every((token) => home.outcomes.has(token))).toBe(true);
  });

  it('gives publishers no more credit while much waits', () => {
    putMany(perTurn);
    for (let bytes = 0; bytes <= INTAKE_WAITING_BYTES; bytes += 1_000) put('x', 1_000);
    home.host.tick(home.wall);
    expect(intake.room).toBe(0);
    home.settle();
    expect(intake.room).toBeGreaterThan(0);
  });

  it('commits a transaction as a whole, behind what was put before and ahead of what comes after', () => {
    const texts = putMany(2 * perTurn).map((_, n) => `m${n}`);
    const transaction = home.host.transaction();
    for (let n = 0; n < 2 * perTurn; n++) {
      const message = routed('a', messageOf(`t${n}`));
      transaction.put(intake, message, 0, message.length, 0);
    }
    let told: unknown;
    transaction.commit((error) => (told = error));
    put('after');
    home.host.flush();
    expect(depth()).toBe(perTurn);
    const consumer = home.consume(queues[0] as Queue, 10_000);
    home.settle();
    expect(told).toBeNull();
    expect(consumer.texts).toEqual([...texts, ...texts.map((text) => text.replace('m', 't')), 'after']);
  });

  it('refuses a transaction that is more than a turn has time for', () => {
    const transaction = home.host.transaction();
    const message = routed('a', messageOf('x'));
    for (let n = 0; n <= TRANSACTION_COPIES_MAX / QUEUES; n++) transaction.put(intake, message, 0, message.length, 0);
    let told: { code?: string } | null = null;
    transaction.commit((error) => (told = error));
    home.settle();
    expect((told as { code?: string } | null)?.code).toBe('FL_QUEUE_LIMIT');
    expect(depth()).toBe(0);
  });
});
