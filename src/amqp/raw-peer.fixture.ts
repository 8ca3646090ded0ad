import { encodeValue } from './codec/encoder';
import { decodeValue } from './codec/decoder';
import { described } from './codec/delivery-states';
import { AmqpDescribed, AmqpTyped, sym, type AmqpValue } from './codec/values';
import { Connection, type ConnectionHandler, type ConnectionIo, type ConnectionOptions } from './connection';

export const uint = (value: number): AmqpTyped => new AmqpTyped('uint', value);
export const ushort = (value: number): AmqpTyped => new AmqpTyped('ushort', value);
export const ubyte = (value: number): AmqpTyped => new AmqpTyped('ubyte', value);

const CODES = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
} as const;
export type FrameName = keyof typeof CODES;
const NAMES = new Map<number, FrameName>(Object.entries(CODES).map(([name, code]) => [code, name as FrameName]));

/** One frame's bytes; a size that lies can be given. */
export function frame(channel: number, body: Buffer, size = body.length + 8, dataOffset = 2, type = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size, 0);
  head[4] = dataOffset;
  head[5] = type;
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, body]);
}

export function performative(name: FrameName, fields: readonly AmqpValue[], payload: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([encodeValue(described(CODES[name], fields)), payload]);
}

/** A frame that the engine sent. */
export interface Seen {
  readonly name: FrameName;
  readonly channel: number;
  readonly fields: readonly AmqpValue[];
  readonly payload: Buffer;
}

export const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');

/** The other end of a connection of ours, byte by byte: it can do what a well-behaved peer never does. */
export class RawPeer implements ConnectionIo {
  readonly connection: Connection;
  time = 0;
  ended = false;
  paused = false;
  /** While false nothing that was written counts as gone. */
  reads = true;
  #due = false;
  #out: Buffer[] = [];

  constructor(handler: ConnectionHandler, options: Partial<ConnectionOptions> = {}) {
    this.connection = new Connection(this, handler, { role: 'server', containerId: 'server', ...options });
  }

  now(): number {
    return this.time;
  }
  scheduleFlush(): void {
    this.#due = true;
  }
  write(buffers: readonly Buffer[]): void {
    this.#out.push(...buffers.map((buffer) => Buffer.from(buffer)));
    if (this.reads) this.connection.written();
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  deadlineMoved(): void {
    // Tests call `tick` when they move the time.
  }
  end(): void {
    this.ended = true;
  }

  /** Sends bytes, and gives the connection its turns until it is quiet. */
  send(...chunks: readonly Buffer[]): this {
    for (const chunk of chunks) this.connection.read(chunk);
    return this.turn();
  }

  turn(): this {
    while (this.#due) {
      this.#due = false;
      this.connection.flush();
    }
    return this;
  }

  say(name: FrameName, fields: readonly AmqpValue[], channel = 0, payload: Buffer = Buffer.alloc(0)): this {
    return this.send(frame(channel, performative(name, fields, payload)));
  }

  /** Header and open. */
  open(...fields: readonly AmqpValue[]): this {
    return this.send(AMQP_HEADER).say('open', ['peer', ...fields]);
  }

  begin(channel = 0, incomingWindow = 1_000, handleMax = 1_000): this {
    return this.say('begin', [null, uint(0), uint(incomingWindow), uint(1_000), uint(handleMax)], channel);
  }

  /** Attaches a link on which this peer sends, or receives. */
  attach(
    handle: number,
    sends: boolean,
    more: { name?: string; snd?: number; rcv?: number; fields?: AmqpValue[] } = {},
  ): this {
    const source = described(0x28, ['a']);
    const target = described(0x29, ['a']);
    return this.say('attach', [
      more.name ?? `link-${handle}`,
      uint(handle),
      !sends,
      ubyte(more.snd ?? 2),
      ubyte(more.rcv ?? 0),
      source,
      target,
      null,
      null,
      sends ? uint(0) : null,
      ...(more.fields ?? []),
    ]);
  }

  transfer(
    handle: number,
    id: number | null,
    payload: Buffer = Buffer.from('x'),
    rest: readonly AmqpValue[] = [],
  ): this {
    const tag = id === null ? null : Buffer.from([id]);
    return this.say('transfer', [uint(handle), id === null ? null : uint(id), tag, uint(0), ...rest], 0, payload);
  }

  /** What the connection has sent since the last look. */
  seen(): Seen[] {
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    const frames: Seen[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (bytes.toString('latin1', at, at + 4) === 'AMQP') {
        at += 8;
        continue;
      }
      const size = bytes.readUInt32BE(at);
      if (size > 8) frames.push(readFrame(bytes, at, at + size));
      at += size;
    }
    return frames;
  }

  /** The names of what was sent since the last look. */
  names(): FrameName[] {
    return this.seen().map(({ name }) => name);
  }

  /** The condition that the last frame of this name tells. */
  conditionOf(name: FrameName, seen = this.seen()): string | null {
    const fields = seen.filter((other) => other.name === name).at(-1)?.fields;
    if (fields === undefined) throw new Error(`no ${name} among ${seen.map((other) => other.name).join(', ')}`);
    const error = fields.find((field) => field instanceof AmqpDescribed);
    return error instanceof AmqpDescribed ? String((error.value as AmqpValue[])[0]) : null;
  }
}

function readFrame(bytes: Buffer, start: number, end: number): Seen {
  const { value, end: at } = decodeValue(bytes, start + 8, end);
  const { descriptor, value: fields } = value as AmqpDescribed;
  const name = NAMES.get(Number((descriptor as AmqpTyped).value));
  if (name === undefined) throw new Error('a SASL frame');
  return {
    name,
    channel: bytes.readUInt16BE(start + 6),
    fields: fields as AmqpValue[],
    payload: Buffer.from(bytes.subarray(at, end)),
  };
}

/** An error as a peer would tell it. */
export function errorOf(condition: string): AmqpDescribed {
  return described(0x1d, [sym(condition)]);
}
