import type { LinkTransport, LinkTransportEvents, TrafficClass } from '../../src/links/contract';
import type { VirtualTime } from './virtual-time';

/** What a wire is like; may be changed while it runs. */
export interface WireQuality {
  latencyMs: number;
  bytesPerMs: number;
  /** Directions (from the dialler, from the acceptor) in which nothing arrives, without a word; it arrives late if that ends in time. */
  hole: [boolean, boolean];
  /** Probability that a routed frame is lost on the way, as at a transit node whose next link has just died. */
  loss: number;
  /** The next frame arrives with one bit changed. */
  damageNext: boolean;
}

export const GOOD_WIRE: Readonly<WireQuality> = {
  latencyMs: 1,
  bytesPerMs: 100_000,
  hole: [false, false],
  loss: 0,
  damageNext: false,
};

/** What an end must know of its node. */
export interface EndHost {
  alive(): boolean;
  /** Until then the node's loop stands still: what arrives waits in its socket. */
  stalledUntil(): number;
  readonly tally: WireTally;
}

/** What went over a wire, for tests. */
export interface WireTally {
  /** Frames sent by either end, by type. */
  readonly sent: number[];
  /** Frames that arrived with a bit changed. */
  damaged: number;
}

/** Bytes that a sender may have on a wire beyond what latency and bandwidth hold. */
const ROOM_BYTES = 32 * 1024;
/** Where the type of a frame stands, behind its checksum; types from here on are routed. */
const TYPE_AT = 4;
const ROUTED_FROM = 16;

interface OnTheWay {
  readonly cls: TrafficClass;
  readonly frame: Buffer;
}

/** One direction of a virtual wire, and the transport of the node that sends on it. Keeps order, as TCP does. */
export class VirtualEnd implements LinkTransport {
  peer!: VirtualEnd;
  /** Of the node at this end. */
  events: LinkTransportEvents | null = null;
  open = true;
  #onWire = 0;
  #busyUntil = 0;
  #arrivesAt = 0;
  #starved = false;
  #held: OnTheWay[] = [];

  constructor(
    private readonly time: VirtualTime,
    private readonly quality: WireQuality,
    private readonly side: 0 | 1,
    private readonly random: () => number,
    private readonly host: EndHost,
  ) {}

  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void {
    if (!this.open) return;
    const { quality, time } = this;
    const bytes = head.length + (body === null ? 0 : body.length);
    this.#onWire += bytes;
    this.#busyUntil = Math.max(this.#busyUntil, time.now) + bytes / quality.bytesPerMs;
    this.#arrivesAt = Math.max(this.#arrivesAt, this.#busyUntil + quality.latencyMs);
    const type = head[TYPE_AT] as number;
    const { sent } = this.host.tally;
    sent[type] = (sent[type] ?? 0) + 1;
    const lost = quality.loss > 0 && type >= ROUTED_FROM && this.random() < quality.loss;
    const frame = body === null ? Buffer.from(head) : Buffer.concat([head, body]);
    time.at(this.#arrivesAt, () => (lost ? this.#off(bytes) : this.#arrive({ cls, frame })));
  }

  /** The frame has crossed the wire. */
  #arrive(frame: OnTheWay): void {
    if (this.#held.length > 0 || this.quality.hole[this.side] || this.peer.host.stalledUntil() > this.time.now) {
      this.#held.push(frame);
      if (this.#held.length === 1) this.#retry();
      return;
    }
    this.#deliver(frame);
  }

  /** What waits arrives once the hole is over or the node's loop runs again. */
  #retry(): void {
    const { time, quality } = this;
    const again = Math.max(this.peer.host.stalledUntil(), quality.hole[this.side] ? time.now + HOLE_LOOK_MS : time.now);
    time.at(again, () => {
      if (!this.open) return;
      if (quality.hole[this.side] || this.peer.host.stalledUntil() > time.now) {
        this.#retry();
        return;
      }
      for (const frame of this.#held.splice(0)) this.#deliver(frame);
    });
  }

  #deliver({ cls, frame }: OnTheWay): void {
    this.#off(frame.length);
    const { peer, quality } = this;
    if (!peer.open || !peer.host.alive()) return;
    if (quality.damageNext) {
      quality.damageNext = false;
      this.host.tally.damaged++;
      const at = Math.floor(this.random() * frame.length);
      frame[at] = (frame[at] as number) ^ (1 << Math.floor(this.random() * 8));
    }
    peer.events?.onInbound();
    peer.events?.onFrame(cls, frame, 0, frame.length);
  }

  /** Bytes have left the wire. */
  #off(bytes: number): void {
    this.#onWire -= bytes;
    if (!this.#starved || !this.host.alive()) return;
    this.#starved = false;
    for (let cls: TrafficClass = 0; cls <= 2; cls++) this.events?.onRoom(cls as TrafficClass);
  }

  room(): number {
    const { latencyMs, bytesPerMs } = this.quality;
    const room = ROOM_BYTES + latencyMs * bytesPerMs - this.#onWire;
    if (room <= 0) this.#starved = true;
    return room;
  }

  close(_condition: string, reason: string): void {
    // What was sent before is read before the end.
    this.cut(reason, Math.max(this.#arrivesAt - this.time.now, this.quality.latencyMs));
  }

  /** Ends the wire: this end hears it now, the other one after `otherMs`, or never through a hole. */
  cut(reason: string, otherMs: number): void {
    this.#closed(reason);
    if (!this.quality.hole[this.side]) this.time.after(otherMs, () => this.peer.#closed(reason));
  }

  #closed(reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.#held = [];
    const at = Math.max(this.time.now, this.host.stalledUntil());
    if (this.host.alive()) this.time.at(at, () => this.host.alive() && this.events?.onClosed(reason));
  }
}

/** How often a hole is looked at for its end. */
const HOLE_LOOK_MS = 20;
