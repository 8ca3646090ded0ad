import { nodeIdOf } from '../links/contract';
import type { AddressEntry } from './address-entry';
import { Chokes } from './chokes';
import { CONTROL } from './control';
import type { LocalConsumer } from './local-consumer';
import { entryOf, TestStreams } from './parts.fixture';

const SELF = nodeIdOf('self');

/** As much of a consumer as chokes look at. */
class Slow {
  slow = false;
}

function setup() {
  const streams = new TestStreams();
  const released: AddressEntry[] = [];
  const chokes = new Chokes(SELF, streams, { chokes: 0 }, (entry) => released.push(entry));
  const told = (): string[] =>
    streams.controls
      .splice(0)
      .map(({ to, kind, reader }) => `${kind === CONTROL.choke ? 'choke' : 'unchoke'} ${reader.text()} at ${to}`);
  const turn = (lane: Slow, slow: boolean): void => {
    lane.slow = slow;
    chokes.onSlow(lane, slow);
  };
  const address = (name: string, ...lanes: readonly Slow[]): AddressEntry => {
    const entry = entryOf('topic', name);
    entry.locals = lanes as unknown as readonly LocalConsumer[];
    return entry;
  };
  return { chokes, told, released, turn, address };
}

describe('chokes', () => {
  it('ask each origin once, when a message of it comes for a slow consumer, and release all of them', () => {
    const { chokes, told, turn, address, released } = setup();
    const lane = new Slow();
    const entry = address('a', new Slow(), lane);
    chokes.review(entry, 1);
    expect([told(), chokes.anySlow]).toEqual([[], false]);
    turn(lane, true);
    for (const origin of [1, 1, 2, SELF]) chokes.review(entry, origin);
    expect(told()).toEqual(['choke ta at 1', 'choke ta at 2']);
    expect([...entry.chokedBy]).toEqual([SELF]);
    turn(lane, false);
    expect(told()).toEqual(['unchoke ta at 1', 'unchoke ta at 2']);
    expect([[...entry.chokedBy], released, chokes.anySlow]).toEqual([[], [entry], false]);
  });

  it('hold no address that brought the slow consumer nothing', () => {
    const { chokes, told, turn, address } = setup();
    const lane = new Slow();
    turn(lane, true);
    chokes.review(address('a', lane), 1);
    chokes.review(address('b', new Slow()), 1);
    expect(told()).toEqual(['choke ta at 1']);
  });

  it('last while another consumer of the address is slow, and end with the last one', () => {
    const { chokes, told, turn, address } = setup();
    const [one, two] = [new Slow(), new Slow()];
    const entry = address('a', one, two);
    turn(one, true);
    chokes.review(entry, 1);
    // Slow by other addresses: nothing of this one has come since.
    turn(two, true);
    told();
    turn(one, false);
    expect(told()).toEqual([]);
    turn(two, false);
    expect(told()).toEqual(['unchoke ta at 1']);
  });

  it('work for the shared lane of an anycast address', () => {
    const { chokes, told } = setup();
    const entry = entryOf('anycast', 'q');
    const lane = { slow: true };
    Object.assign(entry, { lane });
    chokes.onSlow(entry, true);
    chokes.hold(entry, 3);
    lane.slow = false;
    chokes.onSlow(entry, false);
    expect(told()).toEqual(['choke aq at 3', 'unchoke aq at 3']);
  });
});
