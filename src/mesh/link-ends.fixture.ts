import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { crc32 } from '../common/crc32';
import { SILENT_JOURNAL } from '../common/ports';
import { AmqpWire } from '../links/amqp-wire';
import {
  FRAME,
  type LinkTransport,
  type LinkTransportEvents,
  nodeIdOf,
  type PeerHello,
  TRAFFIC_CLASSES,
  type TrafficClass,
} from '../links/contract';
import { SHUT_MS_MAX } from '../links/limits';
import { type BatchHead, writeBatchHead } from '../streams/frames';
import { FlushQueue } from '../transport/flush-queue';
import type { SocketDriver } from '../transport/socket-driver';
import { ChecksumTransport, checkedStart } from './checksum-transport';

export type Name = 'a' | 'b';

/** The time of all ends: sockets ask `performance`. */
export const CLOCK = { now: 1_000 };
beforeAll(() => void jest.spyOn(performance, 'now').mockImplementation(() => CLOCK.now));
afterAll(() => void jest.restoreAllMocks());

/** A socket whose bytes a test carries. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 1;
  destroyed = false;
  writable = true;
  readonly written: Buffer[] = [];

  setNoDelay(): void {
    // Nothing is delayed here.
  }

  cork(): void {
    // What is written within a turn is one chunk anyway.
  }

  uncork(): void {
    // See `cork`.
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  write(bytes: Buffer, done?: () => void): void {
    this.written.push(Buffer.from(bytes));
    done?.();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.writable = false;
    this.emit('close');
  }
}

/** One end of a link: the wire as in a node, above it what a node does with a frame's checksum. */
export class End {
  readonly socket = new FakeSocket();
  readonly frames: string[] = [];
  hello: PeerHello | null = null;
  transport: ChecksumTransport | null = null;
  below: LinkTransport | null = null;
  #turnDue = false;
  readonly #queue = new FlushQueue(() => (this.#turnDue = true));
  readonly #driver: SocketDriver;

  constructor(name: Name, dials: boolean) {
    const owner = {
      identity: { id: nodeIdOf(name), name, site: `site-${name}`, incarnation: 65_536 },
      addLink: (transport: LinkTransport, peer: PeerHello) => this.#begin(transport, peer),
    };
    const wire = new AmqpWire({ owner, queue: this.#queue, journal: SILENT_JOURNAL });
    const socket = this.socket as unknown as Socket;
    const watcher = { onOpen: () => undefined, onClosed: () => undefined };
    this.#driver = dials
      ? wire.open(socket, { name: 'link', host: '192.0.2.1', port: 1, cost: 10 }, watcher)
      : wire.accept(socket);
  }

  #begin(transport: LinkTransport, peer: PeerHello): LinkTransportEvents & { readonly link: number } {
    this.hello = peer;
    this.below = transport;
    this.transport = new ChecksumTransport(transport);
    return {
      link: 1,
      onFrame: (_cls, bytes, start, end) => {
        const from = checkedStart(bytes, start, end);
        const body = from < 0 ? null : bytes.toString('latin1', from, end);
        if (body === null || !isWhole(bytes, from, end)) transport.close('amqp:decode-error', 'damaged');
        else this.frames.push(body);
      },
      onInbound: () => undefined,
      onRoom: () => undefined,
      onClosed: () => undefined,
    };
  }

  get closed(): boolean {
    return this.socket.destroyed || this.#driver.connection.closeError !== null;
  }

  room(cls: TrafficClass): number {
    return this.below?.room(cls) ?? 0;
  }

  /** Every class takes frames, or asks its peer why it may not. */
  mayGoOn(): boolean {
    if (TRAFFIC_CLASSES.every((cls) => this.room(cls) > 0)) return true;
    this.#turnDue = false;
    CLOCK.now += SHUT_MS_MAX;
    for (const cls of TRAFFIC_CLASSES) this.room(cls);
    return this.#turnDue;
  }

  flush(): Buffer {
    this.#queue.flush();
    return Buffer.concat(this.socket.written.splice(0));
  }

  feed(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.emit('data', Buffer.from(bytes));
  }

  send({ cls, head, body }: Sent): void {
    if (!this.closed) this.transport?.send(cls, head, body);
  }
}

/** The body of a batch has the checksum that its origin put into the head: the streams layer looks at it. */
function isWhole(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== FRAME.batch) return true;
  const body = bytes.indexOf(MARK, start);
  return body >= 0 && crc32(bytes.subarray(body, end)) === bytes.readUInt32BE(body - 4);
}

export interface Sent {
  readonly cls: TrafficClass;
  readonly head: Buffer;
  readonly body: Buffer | null;
}

export interface Feed {
  readonly at: Name;
  readonly feed: Buffer;
}

export type Step = Feed | { readonly at: Name; readonly send: Sent };

const MARK = Buffer.from('body of a batch');

export function batch(bytes: number): Sent {
  const body = Buffer.alloc(bytes, MARK);
  const targets = [{ node: 3, incarnation: 4, epoch: 5, firstSeq: 6 }];
  const head: BatchHead = {
    cls: 2,
    resent: false,
    hops: 3,
    origin: 1,
    incarnation: 2,
    targets,
    count: 1,
    bodyCrc: crc32(body),
  };
  return { cls: 2, head: writeBatchHead(head), body };
}

export const neighbour = (text: string): Sent => ({
  cls: 0,
  head: Buffer.concat([Buffer.from([FRAME.hello]), Buffer.from(text)]),
  body: null,
});

export type Ends = Readonly<Record<Name, End>>;

export function pair(): Ends {
  return { a: new End('a', true), b: new End('b', false) };
}

/** Carries bytes between two ends until both are quiet, and tells each of what it hears. */
export function carry(ends: Ends, tell: (feed: Feed) => void = () => undefined): void {
  for (let quiet = 0; quiet < 2; quiet++)
    for (const [from, at] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const feed = ends[from].flush();
      if (feed.length === 0) continue;
      quiet = 0;
      tell({ at, feed });
      ends[at].feed(feed);
    }
}

/** Two ends speak; what each of them does and hears, in its order. */
export function record(rounds: readonly (readonly Sent[])[]): Step[] {
  const ends = pair();
  const steps: Step[] = [];
  const tell = (feed: Feed): void => void steps.push(feed);
  carry(ends, tell);
  for (const round of rounds) {
    for (const at of ['a', 'b'] as const)
      for (const send of round) {
        steps.push({ at, send });
        ends[at].send(send);
      }
    carry(ends, tell);
  }
  for (const end of Object.values(ends)) {
    expect(end.closed).toBe(false);
    end.socket.destroy();
  }
  return steps;
}

export function replay(name: Name, steps: readonly Step[]): End {
  const end = new End(name, name === 'a');
  for (const step of steps) {
    if (step.at !== name) continue;
    if ('send' in step) end.send(step.send);
    else end.feed(step.feed);
    end.flush();
  }
  return end;
}
