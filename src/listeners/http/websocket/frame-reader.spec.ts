import { SeededRandom } from '../../../common/ports';
import { CLOSE, WebSocketError } from './errors';
import { FrameReader, OPCODE, type FrameSink } from './frame-reader';
import { frame } from './frames.fixture';

class Seen implements FrameSink {
  bytes = Buffer.alloc(0);
  readonly pings: string[] = [];
  readonly closes: (number | null)[] = [];
  over = false;
  data(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }
  ping(payload: Buffer): void {
    this.pings.push(payload.toString());
  }
  close(code: number | null): void {
    this.closes.push(code);
  }
}

function read(chunks: readonly Buffer[], takesText = true): Seen {
  const seen = new Seen();
  const reader = new FrameReader(seen, takesText);
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return seen;
}

function refusal(chunks: readonly Buffer[], takesText = true): number | null {
  try {
    read(chunks, takesText);
    return null;
  } catch (error) {
    if (error instanceof WebSocketError) return error.closeCode;
    throw error;
  }
}

describe('FrameReader', () => {
  it.each([0, 1, 3, 125, 126, 127, 65_535, 65_536, 200_000])(
    'reads a message of %d bytes, however it is cut',
    (length) => {
      const random = new SeededRandom(length);
      const payload = Buffer.from(Array.from({ length }, () => random.below(256)));
      const bytes = Buffer.concat([frame(OPCODE.binary, payload), frame(OPCODE.binary, 'behind')]);
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        const size = 1 + random.below(at < 40 ? 3 : 7_001);
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(read(chunks).bytes).toEqual(Buffer.concat([payload, Buffer.from('behind')]));
      expect(read([bytes]).bytes.length).toBe(length + 6);
    },
  );

  it('joins fragments, with control frames between them (RFC 6455, 5.4)', () => {
    const seen = read([
      frame(OPCODE.text, 'one ', { final: false }),
      frame(OPCODE.ping, 'still there?'),
      frame(OPCODE.continuation, '', { final: false }),
      frame(OPCODE.pong, 'unasked'),
      frame(OPCODE.continuation, 'two'),
    ]);
    expect(seen.bytes.toString()).toBe('one two');
    expect(seen.pings).toEqual(['still there?']);
  });

  it('takes characters that are cut by a border of frames', () => {
    const bytes = Buffer.from('☃');
    const seen = read([
      frame(OPCODE.text, bytes.subarray(0, 1), { final: false }),
      frame(OPCODE.continuation, bytes.subarray(1)),
    ]);
    expect(seen.bytes.toString()).toBe('☃');
  });

  it.each([
    ['5.1: a frame without a mask', frame(OPCODE.binary, 'x', { masked: false }), CLOSE.protocolError],
    ['5.2: a reserved bit', frame(OPCODE.binary, 'x', { rsv: 0x40 }), CLOSE.protocolError],
    ['5.2: an unknown opcode', frame(3, 'x'), CLOSE.protocolError],
    ['5.2: an unknown control opcode', frame(11, 'x'), CLOSE.protocolError],
    ['5.4: a continuation of nothing', frame(OPCODE.continuation, 'x'), CLOSE.protocolError],
    [
      '5.4: a message within another one',
      Buffer.concat([frame(OPCODE.text, 'x', { final: false }), frame(OPCODE.text, 'y')]),
      CLOSE.protocolError,
    ],
    ['5.5: a fragmented control frame', frame(OPCODE.ping, 'x', { final: false }), CLOSE.protocolError],
    ['5.5: a control frame of 126 bytes', frame(OPCODE.ping, Buffer.alloc(126)), CLOSE.protocolError],
    ['5.5.1: half a close code', frame(OPCODE.close, 'x'), CLOSE.protocolError],
    ['7.4.2: a close code that is not for frames', frame(OPCODE.close, Buffer.from([0x03, 0xee])), CLOSE.protocolError],
    ['8.1: text that is no UTF-8', frame(OPCODE.text, Buffer.from([0xff])), CLOSE.invalidData],
    ['8.1: text that ends within a character', frame(OPCODE.text, Buffer.from([0xe2])), CLOSE.invalidData],
    [
      'a length that no number has',
      Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
      CLOSE.tooBig,
    ],
  ])('refuses %s', (_what, bytes, code) => {
    expect(refusal([bytes])).toBe(code);
    expect(refusal(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toBe(code);
  });

  it('refuses text where a protocol has none', () => {
    expect(refusal([frame(OPCODE.text, 'x')], false)).toBe(CLOSE.unsupported);
  });

  it('tells why the peer ends', () => {
    expect(read([frame(OPCODE.close, '')]).closes).toEqual([null]);
    expect(read([frame(OPCODE.close, Buffer.from([0x03, 0xe9]))]).closes).toEqual([1001]);
  });

  it('reads nothing behind the end', () => {
    const seen = new Seen();
    const reader = new FrameReader(seen, true);
    seen.data = () => (seen.over = true);
    reader.read(Buffer.concat([frame(OPCODE.text, 'x'), frame(OPCODE.ping, 'y')]));
    expect(seen.pings).toEqual([]);
  });
});
