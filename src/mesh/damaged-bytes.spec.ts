import { SeededRandom } from '../common/ports';
import { FRAME_MS_MAX } from '../links/limits';
import {
  batch,
  carry,
  CLOCK,
  type Feed,
  type Name,
  neighbour,
  pair,
  record,
  replay,
  type Step,
} from './link-ends.fixture';

/** Bits that are damaged, each in a run of its own. */
const FLIPS = 500;
/** Makes the peer say that it took it. */
const WINDOW_BYTES = 33_000;
const EDGE_BYTES = 400;

const ROUNDS = [
  [neighbour('hello 1'), batch(40), batch(60)],
  [batch(WINDOW_BYTES)],
  [neighbour('hello 2'), batch(30), batch(WINDOW_BYTES)],
  [neighbour('hello 3'), batch(20)],
];
/** More than the largest frame: what waits for the end of a frame whose length is damaged has it with these. */
const TAIL = [[batch(60_000)], [batch(60_000), neighbour('hello 4')], [batch(60_000)], [neighbour('hello 5')]];

/** A place in what an end hears, but not in the middle of a large body: all of its bytes are under one checksum. */
function placesOf(name: Name, steps: readonly Step[]): { readonly step: number; readonly at: number }[] {
  return steps.flatMap((step, index) => {
    if (step.at !== name || !('feed' in step)) return [];
    const { length } = step.feed;
    const at = [...Array(length).keys()].filter((n) => n < EDGE_BYTES || n >= length - EDGE_BYTES);
    return at.map((n) => ({ step: index, at: n }));
  });
}

function damaged(steps: readonly Step[], step: number, at: number, bit: number): Step[] {
  const { at: name, feed } = steps[step] as Feed;
  const bytes = Buffer.from(feed);
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return [...steps.slice(0, step), { at: name, feed: bytes }, ...steps.slice(step + 1)];
}

describe.each(['a', 'b'] as const)('a bit that is damaged on its way to %s', (name) => {
  const all = record([...ROUNDS, ...TAIL]);
  const steps = all.slice(0, record(ROUNDS).length);
  const whole = replay(name, all);
  const { frames } = replay(name, steps);
  const places = placesOf(name, steps);
  const random = new SeededRandom(1);

  afterAll(() => whole.socket.destroy());

  it('costs the link, or changes nothing', () => {
    let noticed = 0;
    for (let n = 0; n < FLIPS; n++) {
      const { step, at } = places[random.below(places.length)] as (typeof places)[number];
      const bit = random.below(8);
      const what = `bit ${bit} of byte ${at} of step ${step}`;
      const changed = damaged(steps, step, at, bit);
      let end = replay(name, changed);
      const stalls = !end.closed && end.frames.length < frames.length;
      if (stalls) {
        end.socket.destroy();
        end = replay(name, [...changed, ...all.slice(steps.length)]);
      }
      if (end.closed) noticed++;
      else {
        expect([what, end.frames]).toEqual([what, stalls ? whole.frames : frames]);
        expect([what, end.hello]).toEqual([what, whole.hello]);
        expect([what, end.mayGoOn()]).toEqual([what, true]);
      }
      end.socket.destroy();
    }
    expect(noticed).toBeGreaterThan(FLIPS / 2);
  });
});

it('asks for a window that arrived shut', () => {
  const ends = pair();
  carry(ends);
  ends.a.send(batch(WINDOW_BYTES));
  ends.b.feed(ends.a.flush());
  const flow = ends.b.flush();
  // Its incoming-window, 512, is a uint of four bytes behind next-incoming-id, which is 1.
  const at = flow.indexOf('5201' + '70' + '00000200', 'hex') + 5;
  expect(flow.readUInt16BE(at)).toBe(512);
  flow.writeUInt16BE(0, at);
  ends.a.feed(flow);
  expect(ends.a.room(2)).toBe(0);
  expect(ends.a.mayGoOn()).toBe(true);
  carry(ends);
  expect(ends.a.room(2)).toBeGreaterThan(0);
  for (const end of Object.values(ends)) end.socket.destroy();
});

it('gives up a link whose bytes end no frame', () => {
  const ends = pair();
  carry(ends);
  ends.a.send(batch(60_000));
  const bytes = ends.a.flush();
  ends.b.feed(bytes.subarray(0, 1_000));
  expect(ends.b.closed).toBe(false);
  CLOCK.now += FRAME_MS_MAX - 1_000;
  ends.b.feed(bytes.subarray(1_000, 2_000));
  expect(ends.b.closed).toBe(false);
  CLOCK.now += 2_000;
  ends.b.feed(bytes.subarray(2_000, 3_000));
  expect(ends.b.closed).toBe(true);
  for (const end of Object.values(ends)) end.socket.destroy();
});

it('survives a peer that sends an empty frame', () => {
  const ends = pair();
  carry(ends);
  ends.a.below?.send(0, Buffer.alloc(0), null);
  carry(ends);
  expect(ends.b.closed).toBe(true);
  for (const end of Object.values(ends)) end.socket.destroy();
});
