import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ByteStreamUser } from '../../../transport/byte-stream';
import { PONG_UNWRITTEN_BYTES_MAX, WEBSOCKET_LINGER_MS } from '../limits';
import { CLOSE } from './errors';
import { OPCODE } from './frame-reader';
import { closing, frame, framesOf, type Shape } from './frames.fixture';
import { WebSocketStream } from './websocket-stream';

/** A socket whose peer reads when the test says so. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 4711;
  writableLength = 0;
  writable = true;
  writableEnded = false;
  destroyed = false;
  paused = false;
  #unread: Buffer[] = [];
  #callbacks: (() => void)[] = [];

  write(bytes: Buffer, written?: () => void): boolean {
    this.#unread.push(Buffer.from(bytes));
    this.writableLength += bytes.length;
    if (written !== undefined) this.#callbacks.push(written);
    return true;
  }
  /** Frames that came since this was asked last; all of them have left. */
  frames(): { opcode: number; payload: string }[] {
    const bytes = Buffer.concat(this.#unread.splice(0));
    this.writableLength = 0;
    for (const written of this.#callbacks.splice(0)) written();
    return framesOf(bytes).map(({ opcode, payload }) => ({ opcode, payload: payload.toString('latin1') }));
  }
  end(): void {
    this.writable = false;
    this.writableEnded = true;
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.writable = false;
    this.emit('close');
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  setNoDelay(): void {}
  setTimeout(): void {}
  cork(): void {}
  uncork(): void {}
}

function setUp(text = true) {
  const socket = new FakeSocket();
  const errors: number[] = [];
  const told: string[] = [];
  let bytes = '';
  const user: ByteStreamUser = {
    read: (chunk) => void (bytes += chunk.toString('latin1')),
    written: () => void told.push('written'),
    closed: (reason) => void told.push(`closed: ${reason}`),
  };
  const stream = new WebSocketStream(socket as unknown as Socket, text, ({ closeCode }) => errors.push(closeCode));
  stream.begin(user);
  return {
    socket,
    stream,
    errors,
    told,
    /** What the protocol has read. */
    read: () => bytes,
    peer: (opcode: number, payload: Buffer | string, shape?: Shape) =>
      socket.emit('data', frame(opcode, payload, shape)),
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const FRAGMENT = { final: false };
const CLOSED_NORMALLY = { opcode: OPCODE.close, payload: closing(CLOSE.normal).toString('latin1') };

describe('what a WebSocket brings', () => {
  it('is the bytes of its messages, whole or in fragments, with a ping between them', () => {
    const { peer, read, socket } = setUp();
    peer(OPCODE.binary, 'one,');
    peer(OPCODE.text, 'tw', FRAGMENT);
    peer(OPCODE.ping, 'there?');
    peer(OPCODE.continuation, '', FRAGMENT);
    peer(OPCODE.continuation, 'o');
    expect(read()).toBe('one,two');
    expect(socket.frames()).toEqual([{ opcode: OPCODE.pong, payload: 'there?' }]);
  });

  it('is handed on while its message is unfinished', () => {
    const { peer, read } = setUp();
    for (let part = 0; part < 3; part++) peer(part === 0 ? OPCODE.binary : OPCODE.continuation, `${part}`, FRAGMENT);
    expect(read()).toBe('012');
  });

  it('is held up by the socket, when the protocol reads no more', () => {
    const { stream, socket } = setUp();
    stream.pause();
    expect(socket.paused).toBe(true);
    stream.resume();
    expect(socket.paused).toBe(false);
  });

  it.each<[string, number, boolean, (peer: ReturnType<typeof setUp>['peer']) => void]>([
    ['a frame that is not masked', CLOSE.protocolError, true, (peer) => peer(OPCODE.text, 'x', { masked: false })],
    ['a continuation of nothing', CLOSE.protocolError, true, (peer) => peer(OPCODE.continuation, 'x')],
    ['text that is no UTF-8', CLOSE.invalidData, true, (peer) => peer(OPCODE.text, Buffer.from([0xff]))],
    ['text where messages are binary', CLOSE.unsupported, false, (peer) => peer(OPCODE.text, 'x')],
  ])('ends with %s, and is told why', (_what, code, text, say) => {
    const { peer, socket, errors, told, read } = setUp(text);
    say(peer);
    expect(errors).toEqual([code]);
    const [{ opcode, payload } = { opcode: 0, payload: '' }, ...more] = socket.frames();
    expect([opcode, Buffer.from(payload, 'latin1').readUInt16BE(), more]).toEqual([OPCODE.close, code, []]);
    expect(payload.length).toBeGreaterThan(2);
    expect(socket.writableEnded).toBe(true);
    peer(OPCODE.binary, 'after it');
    jest.advanceTimersByTime(WEBSOCKET_LINGER_MS);
    expect([read(), told]).toEqual(['', [expect.stringMatching(/^closed: .{10}/)]]);
  });
});

describe('pings', () => {
  it('that come faster than their answers leave are not all answered', () => {
    const { peer, socket } = setUp();
    const payload = 'p'.repeat(125);
    for (let ping = 0; ping < 10_000; ping++) peer(OPCODE.ping, payload);
    expect(socket.writableLength).toBeLessThanOrEqual(PONG_UNWRITTEN_BYTES_MAX + 127);
    expect(socket.frames().length).toBeGreaterThan(400);
    peer(OPCODE.ping, 'again');
    expect(socket.frames()).toEqual([{ opcode: OPCODE.pong, payload: 'again' }]);
  });

  it('are not answered behind the close frame', () => {
    const { peer, socket, stream } = setUp();
    stream.end();
    socket.frames();
    peer(OPCODE.ping, 'still there?');
    expect(socket.frames()).toEqual([]);
  });
});

describe('what is written to a WebSocket', () => {
  it('is one message for each write, of text where its bytes are UTF-8', () => {
    const { stream, socket } = setUp();
    const [umlaut, half] = [Buffer.from('grün'), Buffer.from([0xc3])];
    stream.write([umlaut, Buffer.from('!')]);
    stream.write([Buffer.from([0xff, 0xfe])]);
    // A character that is cut in two is none in its parts.
    stream.write([half, Buffer.from([0xbc])]);
    stream.write([]);
    expect(socket.frames()).toEqual([
      { opcode: OPCODE.text, payload: `${umlaut.toString('latin1')}!` },
      { opcode: OPCODE.binary, payload: '\xff\xfe' },
      { opcode: OPCODE.binary, payload: '\xc3\xbc' },
    ]);
  });

  it('is binary where the protocol is', () => {
    const { stream, socket } = setUp(false);
    stream.write([Buffer.from('AMQP')]);
    expect(socket.frames()).toEqual([{ opcode: OPCODE.binary, payload: 'AMQP' }]);
  });

  it.each([125, 126, 65_535, 65_536, 200_000])('may have %d bytes', (length) => {
    const { stream, socket } = setUp();
    stream.write([Buffer.alloc(length, 'x')]);
    expect(stream.unwrittenBytes).toBe(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
    expect(socket.frames()).toEqual([{ opcode: OPCODE.text, payload: 'x'.repeat(length) }]);
  });

  it('is told of when all of it has left', () => {
    const { stream, socket, told } = setUp();
    for (const text of ['one', 'two']) stream.write([Buffer.from(text)]);
    expect(told).toEqual([]);
    socket.frames();
    expect(told).toEqual(['written']);
  });
});

describe('the end of a WebSocket', () => {
  it('that the peer says is answered with its code, and the server closes', () => {
    const { peer, socket, told, stream, read } = setUp();
    stream.write([Buffer.from('last')]);
    peer(OPCODE.close, closing(CLOSE.goingAway, 'bye'));
    expect(socket.frames()).toEqual([
      { opcode: OPCODE.text, payload: 'last' },
      { opcode: OPCODE.close, payload: closing(CLOSE.goingAway).toString('latin1') },
    ]);
    expect([socket.writableEnded, stream.over]).toEqual([true, true]);
    peer(OPCODE.binary, 'after it');
    stream.write([Buffer.from('after it')]);
    expect([read(), socket.frames()]).toEqual(['', []]);
    socket.destroy();
    expect(told).toEqual(['written', 'closed: the peer ended the connection']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('that the peer says without a code is a normal one', () => {
    const { peer, socket } = setUp();
    peer(OPCODE.close, '');
    expect(socket.frames()).toEqual([CLOSED_NORMALLY]);
  });

  it('that is said here comes behind what was written, and waits for the peer to say so too', () => {
    const { peer, socket, stream, read } = setUp();
    stream.write([Buffer.from('last')]);
    stream.pause();
    stream.end();
    stream.end();
    stream.write([Buffer.from('after it')]);
    expect(socket.frames()).toEqual([{ opcode: OPCODE.text, payload: 'last' }, CLOSED_NORMALLY]);
    // What the peer has sent before its own is read past.
    expect([socket.paused, socket.writableEnded]).toEqual([false, false]);
    peer(OPCODE.binary, 'on its way');
    expect([read(), socket.writableEnded]).toEqual(['', false]);
    peer(OPCODE.close, closing(CLOSE.normal));
    expect([socket.frames(), socket.writableEnded]).toEqual([[], true]);
  });

  it.each<[string, (setup: ReturnType<typeof setUp>) => void]>([
    ['does not answer it', ({ stream }) => stream.end()],
    ['does not hang up behind it', ({ peer }) => peer(OPCODE.close, closing(CLOSE.normal))],
    ['hangs up half', ({ socket }) => socket.emit('end')],
  ])('is a cut, for a peer that %s', (_what, begin) => {
    const setup = setUp();
    begin(setup);
    jest.advanceTimersByTime(WEBSOCKET_LINGER_MS - 1);
    expect(setup.socket.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    expect([setup.socket.destroyed, setup.told.length]).toEqual([true, 1]);
  });

  it('without a word has its reason, and nothing is told after it', () => {
    const lost = setUp();
    lost.stream.write([Buffer.from('on its way')]);
    lost.socket.emit('error', new Error('read ECONNRESET'));
    lost.socket.destroy();
    lost.socket.frames();
    expect(lost.told).toEqual(['closed: read ECONNRESET']);
    const cut = setUp();
    cut.stream.destroy('it said nothing for 60 s');
    expect(cut.told).toEqual(['closed: it said nothing for 60 s']);
    const left = setUp();
    left.socket.emit('end');
    left.socket.destroy();
    expect([left.told, left.socket.frames()]).toEqual([['closed: the peer ended the connection'], []]);
  });
});
