import { entryOf } from './parts.fixture';
import { PutLane } from './put-lane';

function lane(puts: number): { readonly lane: PutLane; readonly places: number[] } {
  const made = new PutLane(entryOf('queue', 'jobs'), 100);
  return { lane: made, places: Array.from({ length: puts }, (_, n) => made.push(n, 10, 0)) };
}

/** Sends the next ones. @returns their sequences */
function send(made: PutLane, count = Infinity): number[] {
  const seqs: number[] = [];
  for (let at = made.first(); at >= 0 && seqs.length < count; at = made.first()) {
    seqs.push(made.seq(at));
    made.sent(at);
  }
  return seqs;
}

describe('puts on their way to one queue', () => {
  it('are numbered without a gap above all that were before', () => {
    const { lane: made } = lane(3);
    expect(send(made)).toEqual([101, 102, 103]);
    expect(made.lastSeq).toBe(103);
  });

  it('are sent again before any newer one, those that are answered left out', () => {
    const { lane: made, places } = lane(40);
    expect(send(made, 20)).toHaveLength(20);
    places.slice(0, 20).forEach((at, n) => made.back(at, n % 2 === 0));
    expect([made.inFlight, made.broken]).toEqual([0, true]);
    made.rewind();
    const again = Array.from({ length: 10 }, (_, n) => 101 + 2 * n);
    expect(send(made)).toEqual([...again, ...Array.from({ length: 20 }, (_, n) => 121 + n)]);
  });

  it('count the bytes of those that are not sent', () => {
    const { lane: made, places } = lane(3);
    expect(made.unsentBytes).toBe(30);
    send(made, 2);
    expect(made.unsentBytes).toBe(10);
    made.back(places[0] as number, true);
    expect(made.unsentBytes).toBe(20);
    made.back(places[1] as number, false);
    made.rewind();
    made.done(places[0] as number);
    send(made);
    expect([made.unsentBytes, made.empty]).toEqual([0, false]);
    made.back(places[2] as number, false);
    expect(made.empty).toBe(true);
  });
});
