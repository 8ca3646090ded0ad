import * as fc from 'fast-check';
import { FrameReader, type FrameVisitor } from './frame-reader';
import { frame } from './raw-peer.fixture';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

const HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');

class Visits implements FrameVisitor {
  readonly headers: string[] = [];
  readonly frames: { readonly channel: number; readonly body: string }[] = [];
  reader!: FrameReader;
  stopAfter = Infinity;

  onHeader(bytes: Buffer, at: number): void {
    this.headers.push(bytes.toString('latin1', at, at + 4));
    this.reader.expectHeader = false;
  }

  onFrame(_type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    this.frames.push({ channel, body: bytes.toString('latin1', start, end) });
    if (this.frames.length === this.stopAfter) this.reader.stop();
  }
}

function reader(frameBytesMax = 4_096): Visits {
  const visits = new Visits();
  visits.reader = new FrameReader(frameBytesMax, visits);
  return visits;
}

describe('FrameReader', () => {
  it('2.3: cuts frames out of chunks of any sizes, one byte at a time too', () => {
    const bodies = fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 2_000 }), { maxLength: 8 });
    fc.assert(
      fc.property(
        bodies,
        fc.infiniteStream(fc.integer({ min: 1, max: 900 })),
        fc.boolean(),
        (texts, sizes, bytewise) => {
          const bytes = Buffer.concat([HEADER, ...texts.map((text, n) => frame(n, Buffer.from(text, 'latin1')))]);
          const visits = reader();
          for (let at = 0; at < bytes.length;) {
            const size = bytewise ? 1 : sizes.next().value;
            visits.reader.read(Buffer.from(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(visits.headers).toEqual(['AMQP']);
          expect(visits.frames).toEqual(texts.map((body, channel) => ({ channel, body })));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['0', frame(0, Buffer.alloc(0), 0), 'frame size 0, expected at least 8'],
    ['7', frame(0, Buffer.alloc(0), 7), 'frame size 7, expected at least 8'],
    ['0xffffffff', frame(0, Buffer.alloc(0), 0xffff_ffff), 'frame size 4294967295, expected at most 4096'],
    ['one more than max-frame-size', frame(0, Buffer.alloc(0), 4_097), 'expected at most 4096'],
  ])('2.3.1: a size of %s is a framing error from its fourth byte on', (_what, bytes, text) => {
    for (const cut of [4, bytes.length]) {
      const visits = reader();
      visits.reader.read(HEADER);
      expect(() => visits.reader.read(bytes.subarray(0, cut))).toThrow(
        expect.objectContaining({ condition: 'amqp:connection:framing-error', scope: 'connection' }) as Error,
      );
      expect(() => visits.reader.read(bytes.subarray(0, cut))).toThrow(text);
    }
  });

  it.each([
    ['before the end of the header', 1],
    ['behind the end of the frame', 200],
  ])('2.3.1: a data offset %s is a framing error', (_where, offset) => {
    const visits = reader();
    visits.reader.read(HEADER);
    expect(() => visits.reader.read(frame(0, Buffer.alloc(20), 28, offset))).toThrow(`data offset ${offset * 4}`);
  });

  it('2.3.1: skips an extended header', () => {
    const visits = reader();
    visits.reader.read(Buffer.concat([HEADER, frame(3, Buffer.from('....body'), 16, 3)]));
    expect(visits.frames).toEqual([{ channel: 3, body: 'body' }]);
  });

  it('holds no more memory than came, whatever a header claims', () => {
    const readers = Array.from({ length: 1_000 }, () => reader(1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    for (const { reader: each } of readers) {
      each.read(HEADER);
      each.read(frame(0, Buffer.alloc(100), 1024 * 1024));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  it('keeps what comes while it is stopped, within a bound, and goes on with it', () => {
    const visits = reader();
    visits.stopAfter = 1;
    visits.reader.read(Buffer.concat([HEADER, frame(1, Buffer.from('a')), frame(2, Buffer.from('b'))]));
    visits.reader.read(frame(3, Buffer.from('c')));
    expect(visits.frames.map(({ body }) => body)).toEqual(['a']);
    visits.reader.resume();
    expect(visits.frames.map(({ body }) => body)).toEqual(['a', 'b', 'c']);
    visits.reader.stop();
    expect(() => {
      for (let n = 0; n < 100; n++) visits.reader.read(Buffer.alloc(64 * 1024));
    }).toThrow(expect.objectContaining({ condition: 'amqp:resource-limit-exceeded' }) as Error);
  });
});
