import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { ByteStream, ByteStreamUser } from '../../../transport/byte-stream';
import { PONG_UNWRITTEN_BYTES_MAX, WEBSOCKET_LINGER_MS } from '../limits';
import { CLOSE, WebSocketError } from './errors';
import { FrameReader, OPCODE, type FrameSink } from './frame-reader';

/**
 * A WebSocket as a {@link ByteStream}: the bytes of its messages, whose borders mean nothing to the protocols that are carried. Each
 * write is one message. The socket's own back-pressure goes both ways.
 */
export class WebSocketStream implements ByteStream, FrameSink {
  readonly remoteAddress: string;
  readonly #reader: FrameReader;
  #user: ByteStreamUser | null = null;
  #writes = 0;
  #reason = 'the connection was cut';
  /** A close frame has been written: nothing but the peer's own is waited for. */
  #ending = false;
  #linger: NodeJS.Timeout | null = null;

  /**
   * @param text messages are of text where their bytes are UTF-8
   * @param onError told when the peer breaks the WebSocket protocol
   */
  constructor(
    private readonly socket: Socket,
    private readonly text: boolean,
    private readonly onError: (error: WebSocketError) => void,
  ) {
    socket.setNoDelay(true);
    socket.setTimeout(0);
    this.remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    this.#reader = new FrameReader(this, text);
    socket.on('error', (error) => (this.#reason = error.message));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#closed());
  }

  get unwrittenBytes(): number {
    return this.socket.writableLength;
  }

  get over(): boolean {
    return this.socket.destroyed || this.socket.writableEnded;
  }

  begin(user: ByteStreamUser): void {
    this.#user = user;
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#reason = error.message;
      this.onError(error);
      this.#close(error.closeCode, error.message);
      this.#finish();
    }
  }

  // --- frames of the peer ----------------------------------------------------------------------------------------------------

  data(chunk: Buffer): void {
    if (!this.#ending) this.#user?.read(chunk);
  }

  ping(payload: Buffer): void {
    // Of pings that come faster than their answers leave only some have to be answered (section 5.5.3).
    if (this.#ending || this.unwrittenBytes > PONG_UNWRITTEN_BYTES_MAX) return;
    this.socket.write(Buffer.concat([headOf(OPCODE.pong, payload.length), payload]));
  }

  close(code: number | null): void {
    this.#reason = 'the peer ended the connection';
    this.#close(code ?? CLOSE.normal, '');
    this.#finish();
  }

  // --- what the protocol says ------------------------------------------------------------------------------------------------

  write(buffers: readonly Buffer[]): void {
    const { socket } = this;
    if (buffers.length === 0 || this.#ending || socket.destroyed || !socket.writable) return;
    let length = 0;
    let isText = this.text;
    for (const buffer of buffers) {
      length += buffer.length;
      isText &&= isUtf8(buffer);
    }
    this.#writes++;
    socket.cork();
    socket.write(headOf(isText ? OPCODE.text : OPCODE.binary, length));
    const last = buffers.length - 1;
    for (let at = 0; at < last; at++) socket.write(buffers[at] as Buffer);
    socket.write(buffers[last] as Buffer, this.#written);
    socket.uncork();
  }

  readonly #written = (): void => {
    if (--this.#writes === 0) this.#user?.written();
  };

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.#ending) return;
    this.#close(CLOSE.normal, '');
    // What the peer still says is read up to its close frame.
    this.socket.resume();
    this.#lingerOn();
  }

  destroy(reason: string): void {
    this.#reason = reason;
    this.socket.destroy();
  }

  // --- the end ---------------------------------------------------------------------------------------------------------------

  #close(code: number, reason: string): void {
    if (this.#ending || this.socket.destroyed || !this.socket.writable) return;
    this.#ending = true;
    const text = Buffer.from(reason).subarray(0, REASON_BYTES_MAX);
    const payload = Buffer.alloc(2 + text.length);
    payload.writeUInt16BE(code, 0);
    text.copy(payload, 2);
    this.socket.write(Buffer.concat([headOf(OPCODE.close, payload.length), payload]));
  }

  /** Both ends have said that it is over: the server closes the connection first (section 7.1.1). */
  #finish(): void {
    this.socket.end();
    this.#lingerOn();
  }

  /** A peer that neither answers nor reads is cut. */
  #lingerOn(): void {
    if (this.#linger !== null) return;
    this.#linger = setTimeout(() => this.socket.destroy(), WEBSOCKET_LINGER_MS);
    this.#linger.unref();
  }

  #ended(): void {
    if (!this.#ending) this.#reason = 'the peer ended the connection';
    this.socket.end();
    this.#lingerOn();
  }

  #closed(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    const user = this.#user;
    // What was not written is given up after this, and nobody is told.
    this.#user = null;
    user?.closed(this.#reason);
  }
}

/** Of a close frame: its payload has 125 bytes, two for the code. ASCII, as all that is said here. */
const REASON_BYTES_MAX = 123;

function headOf(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | opcode, length]);
  if (length < 0x1_0000) {
    const head = Buffer.allocUnsafe(4);
    head.writeUInt16BE(((0x80 | opcode) << 8) | 126, 0);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.allocUnsafe(10);
  head.writeUInt16BE(((0x80 | opcode) << 8) | 127, 0);
  head.writeUInt32BE(Math.floor(length / 0x1_0000_0000), 2);
  head.writeUInt32BE(length >>> 0, 6);
  return head;
}
