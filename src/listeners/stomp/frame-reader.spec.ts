import { property, assert, array, string, tuple, uint8Array, constantFrom, integer } from 'fast-check';
import type { FrameHead } from './frame';
import { FrameOutput } from './frame-output';
import { FrameReader, type FrameUser } from './frame-reader';
import { HEADERS_MAX, HEAD_BYTES_MAX } from './limits';
import type { StompVersion } from './version';

interface Seen {
  readonly command: string;
  readonly headers: [string, string][];
  readonly body: Buffer;
}

/** Keeps all that it gets. */
class Keeper implements FrameUser {
  readonly frames: Seen[] = [];
  admitting = true;
  #coming: { head: Omit<Seen, 'body'>; parts: Buffer[] } | null = null;

  admits(): boolean {
    return this.admitting;
  }
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    this.frames.push({ ...headOf(head), body: Buffer.from(bytes.subarray(start, end)) });
  }
  onBody(head: FrameHead): void {
    this.#coming = { head: headOf(head), parts: [] };
  }
  onPart(bytes: Buffer, start: number, end: number): void {
    this.#coming?.parts.push(Buffer.from(bytes.subarray(start, end)));
  }
  onBodyEnd(): void {
    const coming = this.#coming;
    if (coming !== null) this.frames.push({ ...coming.head, body: Buffer.concat(coming.parts) });
  }
}

function headOf({ command, names, values, count }: FrameHead): Omit<Seen, 'body'> {
  const headers = names.slice(0, count).map((name, at): [string, string] => [name, values[at] ?? '']);
  return { command, headers };
}

function reader(version: StompVersion | null = '1.2', bodyBytesMax = 100_000): { keeper: Keeper; read: FrameReader } {
  const keeper = new Keeper();
  const read = new FrameReader(keeper, bodyBytesMax);
  read.version = version;
  return { keeper, read };
}

function readAll(bytes: string | Buffer, version: StompVersion | null = '1.2'): Seen[] {
  const { keeper, read } = reader(version);
  read.read(Buffer.from(bytes));
  return keeper.frames;
}

const headersOf = (bytes: string, version: StompVersion): [string, string][] =>
  readAll(bytes, version).flatMap(({ headers }) => headers);

describe('frames (STOMP 1.2, "STOMP Frames")', () => {
  it('are found however the bytes are cut, whatever they hold', () => {
    const name = string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter(
      (text) => !text.includes('\0') && text !== 'content-length',
    );
    const value = string({ maxLength: 12, unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    const frame = tuple(array(tuple(name, value), { maxLength: 4 }), uint8Array({ maxLength: 300 }));
    assert(
      property(
        array(frame, { minLength: 1, maxLength: 4 }),
        array(integer({ min: 1, max: 90 }), { minLength: 1 }),
        constantFrom('1.1', '1.2'),
        (frames, cuts, version) => {
          const output = new FrameOutput();
          for (const [headers, body] of frames) {
            output.command('SEND').plain('content-length', String(body.length));
            for (const [key, text] of headers) output.header(key, text.replaceAll('\r', ''), version);
            output.endHead().bytes(Buffer.from(body), 0, body.length).endFrame().endOfLine();
          }
          const bytes = Buffer.concat(output.take());
          const { keeper, read } = reader(version);
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const cut = cuts[turn % cuts.length] as number;
            read.read(bytes.subarray(at, at + cut));
            at += cut;
          }
          expect(keeper.frames).toEqual(
            frames.map(([headers, body]) => ({
              command: 'SEND',
              headers: [
                ['content-length', String(body.length)],
                ...headers.map(([key, text]) => [key, text.replaceAll('\r', '')]),
              ],
              body: Buffer.from(body),
            })),
          );
          expect(read.within).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('without content-length end with NUL, and with it may hold some', () => {
    const frames = readAll('SEND\ndestination:/topic/a\n\nhello\0\n\nSEND\ncontent-length:3\n\na\0b\0');
    expect(frames.map(({ body }) => body.toString('latin1'))).toEqual(['hello', 'a\0b']);
  });

  it('have lines that end with CR LF in 1.2, where in 1.1 the CR is part of the value', () => {
    const bytes = 'SEND\na:b\r\n\n\0';
    expect([headersOf(bytes, '1.2'), headersOf(bytes, '1.1')]).toEqual([[['a', 'b']], [['a', 'b\r']]]);
  });

  it('have the escapes of their version', () => {
    const bytes = 'SEND\na\\cb:\\n\\\\\\c\n\n\0';
    expect(headersOf(bytes, '1.2')).toEqual([['a:b', '\n\\:']]);
    expect(headersOf(bytes, '1.1')).toEqual([['a:b', '\n\\:']]);
    expect(headersOf(bytes, '1.0')).toEqual([['a\\cb', '\\n\\\\\\c']]);
    expect(headersOf('SEND\na:\\r\n\n\0', '1.2')).toEqual([['a', '\r']]);
  });

  it('have none in CONNECT, whatever the version', () => {
    expect(readAll('CONNECT\nlogin:a\\cb\n\n\0', null)[0]?.headers).toEqual([['login', 'a\\cb']]);
  });

  it('have headers that 1.0 trims, and others leave as they are', () => {
    const bytes = 'SEND\na : b \n\n\0';
    expect([headersOf(bytes, '1.0'), headersOf(bytes, '1.2')]).toEqual([[['a', 'b']], [['a ', ' b ']]]);
  });

  it('are not read while nobody wants them, and then from there', () => {
    const { keeper, read } = reader();
    keeper.admitting = false;
    read.read(Buffer.from('SEND\n\na\0SEND\n\nb'));
    read.read(Buffer.from('\0'));
    expect([keeper.frames, read.stopped]).toEqual([[], true]);
    keeper.admitting = true;
    read.goOn();
    expect([keeper.frames.map(({ body }) => String(body)), read.stopped]).toEqual([['a', 'b'], false]);
  });
});

describe('what is no frame', () => {
  it.each<[string, string | Buffer, string, StompVersion?]>([
    ['bytes of TLS', Buffer.from('16030100a5010000a10303f1f2f3f4f5f6f7f8f9', 'hex'), 'no command of STOMP'],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', "'GET / HTTP/1.1' is no command"],
    ['a command of a server', 'MESSAGE\na:b\n\n\0', "'MESSAGE' is no command"],
    ['a command in small letters', 'send\na:b\n\n\0', "'send' is no command"],
    ['a header without a colon', 'SEND\nabc\n\n\0', 'a header without a colon'],
    ['a header without a name', 'SEND\n:abc\n\n\0', 'a header without a name'],
    ['a NUL among its headers', 'SEND\na:b\0c\n\n\0', 'a NUL among'],
    ['no empty line', 'SEND\na:b\n\0', 'ends within its headers'],
    ['an escape that there is not', 'SEND\na:\\t\n\n\0', "the escape '\\t'"],
    ['an escape at the end', 'SEND\na:\\\n\n\0', "the escape '\\'"],
    ['an escape of 1.2 in 1.1', 'SEND\na:\\r\n\n\0', 'STOMP 1.1 has not', '1.1'],
    ['bad UTF-8 in a header', Buffer.from('SEND\na:\xff\xfe\n\n\0', 'latin1'), 'no UTF-8'],
    ['half a character in a name', Buffer.from('SEND\n\xc3:a\n\n\0', 'latin1'), 'no UTF-8'],
    ['a body of SUBSCRIBE', 'SUBSCRIBE\nid:1\n\nhello\0', 'SUBSCRIBE with a body'],
    ['a body of ACK by its content-length', 'ACK\ncontent-length:1\n\na\0', 'ACK with a body'],
    ['a content-length that is none', 'SEND\ncontent-length:-1\n\na\0', "header 'content-length'"],
    ['a content-length that is too short', 'SEND\ncontent-length:1\n\nab\0', 'no NUL behind the body'],
    ['a body that is too long', `SEND\ncontent-length:100001\n\n`, 'a body of more than 100000 bytes'],
    ['the same without content-length', `SEND\n\n${'x'.repeat(100_001)}`, 'a body of more than 100000 bytes'],
    ['the same as a whole', `SEND\n\n${'x'.repeat(100_001)}\0`, 'a body of more than 100000 bytes'],
    ['a header bomb', `SEND\n${'a:b\n'.repeat(HEADERS_MAX + 1)}\n\0`, `more than ${HEADERS_MAX} headers`],
    ['a header that does not end', `SEND\na:${'x'.repeat(HEAD_BYTES_MAX)}`, `more than ${HEAD_BYTES_MAX} bytes`],
    ['a head that is too long', `SEND\na:${'x'.repeat(HEAD_BYTES_MAX)}\n\n\0`, `more than ${HEAD_BYTES_MAX} bytes`],
  ])('%s is told', (_what, bytes, said, version = '1.2') => {
    const { read } = reader(version);
    expect(() => read.read(Buffer.from(bytes))).toThrow(said);
  });

  it('is found byte by byte too, and no more is held than a head', () => {
    const { read } = reader();
    expect(() => {
      for (let n = 0; n < 100; n++) read.read(Buffer.from('x'));
    }).toThrow('no command of STOMP');
  });
});
