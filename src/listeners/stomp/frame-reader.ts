import { StompError } from './errors';
import { FrameHead } from './frame';
import { parseHead } from './head-parser';
import { COMMAND_BYTES_MAX, HEAD_BYTES_MAX } from './limits';
import type { StompVersion } from './version';

/** What comes in, frame by frame. Bytes are valid during the call. Each of them may throw a StompError: nothing is read any more. */
export interface FrameUser {
  /** The head of a frame is read. False: not now; it is asked again after {@link FrameReader.goOn}. */
  admits(head: FrameHead): boolean;
  /** A whole frame. */
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void;
  /** Or a frame whose body comes in parts, because it is not here as a whole. @param length of it; -1 where nobody knows */
  onBody(head: FrameHead, length: number): void;
  onPart(bytes: Buffer, start: number, end: number): void;
  onBodyEnd(): void;
}

const NUL = 0;
const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

type State = 'between' | 'head' | 'asking' | 'whole' | 'parts' | 'nul';

/**
 * Finds the frames in a stream of bytes, in place: what is read as a whole is copied nowhere. It holds no more than a frame's head, or what
 * came while nobody wanted it; bodies that are not here as a whole are handed on as they come, whoever gathers them.
 */
export class FrameReader {
  readonly head = new FrameHead();
  /** Null until CONNECT has been answered. */
  version: StompVersion | null = null;
  /** The user does not want the next frame now. */
  #stopped = false;
  #reading = false;
  #state: State = 'between';
  /** Bytes of a head that have been looked at. */
  #seen = 0;
  /** What is left of the body; -1 where NUL ends it. */
  #left = 0;
  /** Bytes of a body that NUL ends, so far. */
  #taken = 0;
  /** What could not be used yet. */
  #kept = EMPTY;

  constructor(
    private readonly user: FrameUser,
    private readonly bodyBytesMax: number,
  ) {}

  /** Counts frames that have begun, and parts of bodies. */
  progress = 0;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** A frame has begun and is not complete. */
  get within(): boolean {
    return this.#state !== 'between' && this.#state !== 'asking';
  }

  /** @throws StompError */
  read(chunk: Buffer): void {
    this.#read(this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]));
  }

  /** The user wants to be asked again. @throws StompError */
  goOn(): void {
    if (!this.#stopped || this.#reading) return;
    this.#stopped = false;
    this.#read(this.#kept);
  }

  #read(bytes: Buffer): void {
    if (this.#stopped) {
      this.#kept = Buffer.from(bytes);
      return;
    }
    this.#reading = true;
    const used = this.#consume(bytes);
    this.#reading = false;
    // What was kept is a copy already.
    if (used === bytes.length) this.#kept = EMPTY;
    else if (used > 0 || bytes !== this.#kept) this.#kept = Buffer.from(bytes.subarray(used));
  }

  /** @returns how many bytes were used */
  #consume(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const next = this.#step(bytes, at);
      if (next < 0) return at;
      at = next;
    }
  }

  /** @returns where to go on; -1 when more bytes are needed, or nothing more is wanted */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'between':
        return this.#skipLines(bytes, at);
      case 'head':
        return this.#onHead(bytes, at);
      case 'asking':
        return this.#ask(at);
      case 'whole':
        return this.#onBody(bytes, at);
      case 'parts':
        return this.#onPart(bytes, at);
      case 'nul':
        return this.#onNul(bytes, at);
    }
  }

  /** Ends of lines between frames: heart-beats, and what clients write behind a frame. */
  #skipLines(bytes: Buffer, start: number): number {
    let at = start;
    while (bytes[at] === LF || (bytes[at] === CR && this.version !== '1.0' && this.version !== '1.1')) at++;
    if (at === bytes.length) return at > start ? at : -1;
    this.#state = 'head';
    this.#seen = 0;
    this.head.clear();
    this.progress++;
    return at;
  }

  #onHead(bytes: Buffer, at: number): number {
    const end = this.#headEnd(bytes, at);
    if (end < 0) return -1;
    if (end - at > HEAD_BYTES_MAX) throw tooLong();
    parseHead(bytes, at, end, this.version, this.head);
    this.#left = this.head.number('content-length', 0, Number.MAX_SAFE_INTEGER) ?? -1;
    if (this.#left > 0 && this.head.command !== 'SEND')
      throw new StompError('FL_STOMP_FRAME', `${this.head.command} with a body`);
    if (this.#left > this.bodyBytesMax) throw bodyTooLong(this.bodyBytesMax);
    this.#state = 'asking';
    return end;
  }

  /** @returns where the body begins; -1 while the empty line is not here */
  #headEnd(bytes: Buffer, start: number): number {
    const from = start + this.#seen;
    for (let lf = bytes.indexOf(LF, from); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
      const before = lf > start && bytes[lf - 1] === CR ? lf - 2 : lf - 1;
      if (before > start && bytes[before] === LF) return lf + 1;
    }
    this.#seen = bytes.length - start;
    if (this.#seen > HEAD_BYTES_MAX) throw tooLong();
    // What is no STOMP has no line that is so short, and may never have an empty one.
    const first = bytes.indexOf(LF, start);
    if (first < 0 ? this.#seen > COMMAND_BYTES_MAX : first - start > COMMAND_BYTES_MAX)
      throw new StompError('FL_STOMP_FRAME', 'this is no command of STOMP');
    if (bytes.indexOf(NUL, from) >= 0) throw new StompError('FL_STOMP_FRAME', 'a frame ends within its headers');
    return -1;
  }

  #ask(at: number): number {
    if (!this.user.admits(this.head)) {
      this.#stopped = true;
      return -1;
    }
    this.#state = 'whole';
    return at;
  }

  /** The body is here as a whole, or it comes in parts. */
  #onBody(bytes: Buffer, at: number): number {
    const { head, user } = this;
    const end = this.#left >= 0 ? at + this.#left : bytes.indexOf(NUL, at);
    if (end >= 0 && end < bytes.length) {
      if (bytes[end] !== NUL) throw notEnded();
      this.#checkBody(end - at);
      this.#state = 'between';
      user.onFrame(head, bytes, at, end);
      return end + 1;
    }
    if (head.command !== 'SEND') {
      if (bytes.length > at) throw new StompError('FL_STOMP_FRAME', `${head.command} with a body`);
      return -1;
    }
    this.#state = 'parts';
    this.#taken = 0;
    user.onBody(head, this.#left);
    return at;
  }

  #checkBody(length: number): void {
    if (length > 0 && this.head.command !== 'SEND')
      throw new StompError('FL_STOMP_FRAME', `${this.head.command} with a body`);
    if (length > this.bodyBytesMax) throw bodyTooLong(this.bodyBytesMax);
  }

  #onPart(bytes: Buffer, at: number): number {
    this.progress++;
    if (this.#left >= 0) {
      const end = Math.min(at + this.#left, bytes.length);
      this.#left -= end - at;
      if (this.#left === 0) this.#state = 'nul';
      if (end > at) this.user.onPart(bytes, at, end);
      return end > at || this.#state === 'nul' ? end : -1;
    }
    const nul = bytes.indexOf(NUL, at);
    const end = nul < 0 ? bytes.length : nul;
    this.#taken += end - at;
    this.#checkBody(this.#taken);
    if (nul >= 0) this.#state = 'nul';
    if (end > at) this.user.onPart(bytes, at, end);
    return end > at || nul >= 0 ? end : -1;
  }

  #onNul(bytes: Buffer, at: number): number {
    if (at >= bytes.length) return -1;
    if (bytes[at] !== NUL) throw notEnded();
    this.#state = 'between';
    this.user.onBodyEnd();
    return at + 1;
  }
}

function tooLong(): StompError {
  return new StompError('FL_STOMP_LIMIT', `a frame whose command and headers have more than ${HEAD_BYTES_MAX} bytes`);
}

function bodyTooLong(max: number): StompError {
  return new StompError('FL_STOMP_LIMIT', `a body of more than ${max} bytes`);
}

function notEnded(): StompError {
  return new StompError('FL_STOMP_FRAME', 'no NUL behind the body that `content-length` tells');
}
