import { FRAME_HEADER_BYTES } from './constants';
import type { SenderLink } from './sender-link';
import { TRANSFER_HEAD_BYTES_MAX } from './session-output';

/** The delivery of a link whose frames are not all sent: one of these per link, used again for each (part 2.6.14). */
export class OutgoingDelivery {
  /** Delivery-id, or -1 while there is none. */
  id = -1;
  /** Bytes of its message so far. */
  bytes = 0;
  #first = false;
  #format = 0;
  #settled = false;
  /** What the session's window did not let through. */
  #rest: Buffer[] = [];
  #restEnds = false;
  #restAborts = false;

  constructor(private readonly link: SenderLink) {}

  /** Something of it waits for the window. */
  get waits(): boolean {
    return this.#rest.length > 0 || this.#restEnds || this.#restAborts;
  }

  begin(id: number, settled: boolean, messageFormat: number): void {
    this.id = id;
    this.bytes = 0;
    this.#first = true;
    this.#format = messageFormat;
    this.#settled = settled;
  }

  /** Sends as many whole frames as the window allows; keeps a copy of the rest. */
  push(payload: Buffer, start: number, end: number, ends: boolean): void {
    this.bytes += end - start;
    if (this.waits) {
      if (end > start) this.#rest.push(copied(payload, start, end));
      this.#restEnds ||= ends;
      return;
    }
    const at = this.#sendFrames(payload, start, end, ends);
    if (at < 0) return;
    if (end > at) this.#rest.push(copied(payload, at, end));
    this.#restEnds = ends;
    this.link.session.waitForWindow(this.link);
  }

  /** @returns -1 when all was sent, else the offset of what was not */
  #sendFrames(payload: Buffer, start: number, end: number, ends: boolean): number {
    const { session } = this.link;
    const room = session.frameBytesMax - TRANSFER_HEAD_BYTES_MAX - FRAME_HEADER_BYTES;
    let at = start;
    do {
      if (session.remoteIncomingWindow <= 0) return at;
      const until = Math.min(end, at + room);
      const more = !(ends && until === end);
      this.#transfer(more, false, payload, at, until);
      at = until;
    } while (at < end);
    if (ends) this.id = -1;
    return -1;
  }

  #transfer(more: boolean, aborted: boolean, payload: Buffer, start: number, end: number): void {
    const { link, id } = this;
    const first = this.#first;
    this.#first = false;
    link.session.transfer(link, id, first, this.#settled, more, aborted, this.#format, payload, start, end);
  }

  /** The window opened. @returns false while some is left */
  resume(): boolean {
    while (this.#rest.length > 0) {
      const part = this.#rest[0] as Buffer;
      const ends = this.#restEnds && this.#rest.length === 1;
      const at = this.#sendFrames(part, 0, part.length, ends);
      if (at >= 0) {
        this.#rest[0] = part.subarray(at);
        return false;
      }
      this.#rest.shift();
      if (ends) this.#restEnds = false;
    }
    if (this.#restEnds && this.#sendFrames(EMPTY, 0, 0, true) >= 0) return false;
    this.#restEnds = false;
    if (this.#restAborts) this.abort();
    return !this.#restAborts;
  }

  /** Gives it up: the peer forgets it. */
  abort(): void {
    this.#rest = [];
    this.#restEnds = false;
    this.#restAborts = this.link.session.remoteIncomingWindow <= 0;
    if (this.#restAborts) {
      this.link.session.waitForWindow(this.link);
      return;
    }
    this.#transfer(false, true, EMPTY, 0, 0);
    this.id = -1;
  }

  /** Nothing more of it can be sent. */
  clear(): void {
    this.id = -1;
    this.#rest = [];
    this.#restEnds = this.#restAborts = false;
  }
}

function copied(payload: Buffer, start: number, end: number): Buffer {
  return Buffer.from(payload.subarray(start, end));
}

const EMPTY = Buffer.alloc(0);
