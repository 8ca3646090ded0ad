import { connect, type Socket } from 'node:net';
import { decodeValue } from '../../src/amqp/codec/decoder';
import { AmqpDescribed, AmqpTyped, type AmqpValue } from '../../src/amqp/codec/values';

/** A frame of the node's, as far as a test looks at it. */
export interface Frame {
  readonly code: number;
  readonly channel: number;
  readonly fields: readonly AmqpValue[];
}

/** Writes of one byte are made this many at a time between looks at the answer. */
const BYTEWISE_MAX = 4_096;

/** A TCP client that says whatever it is told, and keeps what the node answers. */
export class RawClient {
  readonly #answer: Buffer[] = [];
  answered = 0;
  closed = false;
  /** The node has ended its side. */
  ended = false;
  #changed: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.#answer.push(chunk);
      this.answered += chunk.length;
      this.#changed();
    });
    // How it ends is the node's choice: a reset is as good as an end here.
    socket.on('error', () => this.#changed());
    socket.on('end', () => {
      this.ended = true;
      this.#changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  /** `allowHalfOpen`: the node's end of the connection does not end ours. */
  static connect(port: number, allowHalfOpen = false): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  send(bytes: Buffer): void {
    if (!this.closed && this.socket.writable) this.socket.write(bytes);
  }

  /** Each byte in a write of its own. */
  async sendBytewise(bytes: Buffer): Promise<void> {
    const few = bytes.subarray(0, BYTEWISE_MAX);
    for (let at = 0; at < few.length && !this.closed; at++) {
      this.send(few.subarray(at, at + 1));
      if (at % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    }
    this.send(bytes.subarray(BYTEWISE_MAX));
  }

  /** Until the node has answered so many bytes or closed, or `ms` have passed. */
  async until(done: () => boolean, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!done() && !this.closed) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  get answer(): Buffer {
    return Buffer.concat(this.#answer);
  }

  /** The AMQP frames of the answer; SASL frames and headers are left out. */
  get frames(): Frame[] {
    const bytes = this.answer;
    const frames: Frame[] = [];
    for (let at = 0; at + 8 <= bytes.length;) {
      if (bytes.toString('latin1', at, at + 4) === 'AMQP') {
        at += 8;
        continue;
      }
      const size = bytes.readUInt32BE(at);
      if (at + size > bytes.length) break;
      if (size > 8 && bytes[at + 5] === 0) frames.push(readFrame(bytes, at, at + size));
      at += size;
    }
    return frames;
  }

  end(): void {
    this.socket.end();
  }

  /** Cuts the connection with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function readFrame(bytes: Buffer, start: number, end: number): Frame {
  const { value } = decodeValue(bytes, start + 8, end);
  const { descriptor, value: fields } = value as AmqpDescribed;
  return {
    code: Number((descriptor as AmqpTyped).value),
    channel: bytes.readUInt16BE(start + 6),
    fields: fields as AmqpValue[],
  };
}

/** The error condition that a frame tells, or null. */
export function conditionOf(frame: Frame | undefined): string | null {
  const error = frame?.fields.find((field) => field instanceof AmqpDescribed && isError(field));
  return error instanceof AmqpDescribed ? String((error.value as AmqpValue[])[0]) : null;
}

function isError({ descriptor }: AmqpDescribed): boolean {
  return descriptor instanceof AmqpTyped && descriptor.value === 0x1d;
}
