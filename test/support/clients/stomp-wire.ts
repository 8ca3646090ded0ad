import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '../eventually';
import { StompConnection, type StompFrame, type StompHeaders } from './stomp-client';

const UNESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\c': ':', '\\\\': '\\', '\\r': '\r' };

/** STOMP by hand: what no library would send, and every byte that comes. */
export class StompWire extends StompConnection {
  #bytes = Buffer.alloc(0);
  /** Bytes received. */
  received = 0;
  /** Ends of lines between frames. */
  beats = 0;

  private constructor(
    readonly socket: Socket,
    version: string,
  ) {
    super(version);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** A connection that has said nothing yet. */
  static async open(port: number, version = '1.2'): Promise<StompWire> {
    const socket = connect(port, '127.0.0.1');
    const wire = new StompWire(socket, version);
    await once(socket, 'connect');
    return wire;
  }

  static async connect(port: number, version = '1.2', headers: StompHeaders = {}): Promise<StompWire> {
    const wire = await StompWire.open(port, version);
    wire.tell('CONNECT', { 'accept-version': version, host: 'mesh', ...headers });
    await eventually('CONNECTED', () => wire.frames.some(({ command }) => command === 'CONNECTED'), {
      otherwise: () => JSON.stringify(wire.frames),
    });
    return wire;
  }

  tell(command: string, headers: StompHeaders = {}, body: string | Buffer = ''): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const bytes = Buffer.from(body);
    const length =
      bytes.length > 0 && headers['content-length'] === undefined ? `content-length:${bytes.length}\n` : '';
    this.raw(Buffer.concat([Buffer.from(`${command}\n${lines.join('')}${length}\n`), bytes, Buffer.from([0])]));
  }

  raw(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.received += chunk.length;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      while (this.#bytes[0] === 0x0a) {
        this.#bytes = this.#bytes.subarray(1);
        this.beats++;
      }
      const used = this.#frame(this.#bytes);
      if (used === 0) return;
      this.#bytes = this.#bytes.subarray(used);
    }
  }

  #frame(bytes: Buffer): number {
    const headEnd = bytes.indexOf('\n\n');
    if (headEnd < 0) return 0;
    const [command = '', ...lines] = bytes.toString('utf8', 0, headEnd).split('\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(line) ?? [];
      headers[this.#text(name)] ??= this.#text(value);
    }
    const length = headers['content-length'];
    const end = length === undefined ? bytes.indexOf(0, headEnd + 2) : headEnd + 2 + Number(length);
    if (end < 0 || end >= bytes.length) return 0;
    if (bytes[end] !== 0) throw new Error('a frame without NUL behind it');
    const frame: StompFrame = { command, headers, body: Buffer.from(bytes.subarray(headEnd + 2, end)) };
    this.frames.push(frame);
    return end + 1;
  }

  #text(text: string): string {
    return this.version === '1.0' ? text : text.replace(/\\./g, (escape) => UNESCAPED[escape] ?? escape);
  }
}
