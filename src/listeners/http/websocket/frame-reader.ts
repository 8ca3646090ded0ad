import { CLOSE, WebSocketError } from './errors';

/** Opcodes of frames (RFC 6455, section 5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Payload of a control frame (section 5.5). */
const CONTROL_BYTES_MAX = 125;
const HEAD_BYTES_MAX = 14;
/** Longer lengths than a number can hold are nobody's message. */
const HIGH_LENGTH_MAX = 0x1f_ffff;

/** What a reader of frames finds. */
export interface FrameSink {
  /** Payload of data messages, in pieces as it came; where a message ends is not told. */
  data(chunk: Buffer): void;
  ping(payload: Buffer): void;
  /** @param code null when the frame has none */
  close(code: number | null): void;
  /** Nothing more is wanted. */
  readonly over: boolean;
}

/**
 * Takes the frames of a client apart as they come. A payload is unmasked where it lies and handed on at once: what a client puts
 * into one message, or leaves unfinished, is never held here.
 */
export class FrameReader {
  readonly #head = Buffer.alloc(HEAD_BYTES_MAX);
  #headLength = 0;
  /** Bytes that the head has, as far as it is known. */
  #headNeeded = 2;
  #left = 0;
  #opcode: number = OPCODE.continuation;
  #final = true;
  #maskAt = 0;
  /** A message of several frames is under way. */
  #within = false;
  #text: InstanceType<typeof TextDecoder> | null = null;
  readonly #control = Buffer.alloc(CONTROL_BYTES_MAX);
  #controlLength = 0;

  /** @param takesText whether messages of text are taken beside those of bytes */
  constructor(
    private readonly sink: FrameSink,
    private readonly takesText: boolean,
  ) {}

  /** @param chunk is changed. @throws WebSocketError */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.sink.over) {
      if (this.#headLength < this.#headNeeded) {
        at = this.#readHead(chunk, at);
        if (this.#headLength === this.#headNeeded && this.#left === 0) this.#payload(chunk, at, at);
      } else {
        const end = Math.min(chunk.length, at + this.#left);
        this.#payload(chunk, at, end);
        at = end;
      }
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#headNeeded - this.#headLength);
    this.#headLength += chunk.copy(this.#head, this.#headLength, from, end);
    if (this.#headLength === 2) this.#headNeeded = this.#start(this.#head[0] as number, this.#head[1] as number);
    if (this.#headLength === this.#headNeeded) this.#left = this.#length();
    return end;
  }

  /** Looks at the first two bytes; @returns the bytes of the whole head */
  #start(first: number, second: number): number {
    if ((first & 0x70) !== 0) throw violation('a reserved bit is set, and no extension was agreed on');
    if ((second & 0x80) === 0) throw violation('a frame of a client is not masked');
    this.#final = (first & 0x80) !== 0;
    this.#opcode = first & 0x0f;
    const length = second & 0x7f;
    if (this.#opcode >= OPCODE.close) this.#startControl(length);
    else this.#startData();
    return 2 + 4 + (length === 127 ? 8 : length === 126 ? 2 : 0);
  }

  #startControl(length: number): void {
    if (this.#opcode > OPCODE.pong) throw violation(`opcode ${this.#opcode} is not known`);
    if (!this.#final) throw violation('a control frame is fragmented');
    if (length > CONTROL_BYTES_MAX) throw violation(`a control frame has more than ${CONTROL_BYTES_MAX} bytes`);
    this.#controlLength = 0;
  }

  #startData(): void {
    if (this.#opcode > OPCODE.binary) throw violation(`opcode ${this.#opcode} is not known`);
    const goesOn = this.#opcode === OPCODE.continuation;
    if (goesOn && !this.#within) throw violation('a continuation of no message');
    if (!goesOn && this.#within) throw violation('a message begins within another one');
    if (goesOn) return;
    if (this.#opcode === OPCODE.text) {
      if (!this.takesText) throw new WebSocketError(CLOSE.unsupported, 'messages of this protocol are binary');
      this.#text = new TextDecoder('utf-8', { fatal: true });
    }
    this.#within = true;
  }

  #length(): number {
    const head = this.#head;
    const length = (head[1] as number) & 0x7f;
    this.#maskAt = this.#headNeeded - 4;
    if (length < 126) return length;
    if (length === 126) return head.readUInt16BE(2);
    const high = head.readUInt32BE(2);
    if (high > HIGH_LENGTH_MAX) throw new WebSocketError(CLOSE.tooBig, 'a frame of more bytes than can be counted');
    return high * 0x1_0000_0000 + head.readUInt32BE(6);
  }

  /** Part of the payload, or all of it; empty for a frame without one. */
  #payload(chunk: Buffer, start: number, end: number): void {
    this.#unmask(chunk, start, end);
    this.#left -= end - start;
    if (this.#opcode >= OPCODE.close) this.#controlLength += chunk.copy(this.#control, this.#controlLength, start, end);
    else this.#data(chunk, start, end);
    if (this.#left > 0) return;
    this.#headLength = 0;
    this.#headNeeded = 2;
    if (this.#opcode >= OPCODE.close) this.#onControl();
  }

  #unmask(chunk: Buffer, start: number, end: number): void {
    const head = this.#head;
    const mask = this.#maskAt;
    const [a, b, c, d] = [head[mask], head[mask + 1], head[mask + 2], head[mask + 3]] as [
      number,
      number,
      number,
      number,
    ];
    let at = start;
    for (; at + 3 < end; at += 4) {
      chunk[at] = (chunk[at] as number) ^ a;
      chunk[at + 1] = (chunk[at + 1] as number) ^ b;
      chunk[at + 2] = (chunk[at + 2] as number) ^ c;
      chunk[at + 3] = (chunk[at + 3] as number) ^ d;
    }
    const rest = end - at;
    for (let left = 0; left < rest; left++)
      chunk[at + left] = (chunk[at + left] as number) ^ (head[mask + left] as number);
    // The next piece goes on where this one has ended.
    if (rest > 0) head.set(rest === 1 ? [b, c, d, a] : rest === 2 ? [c, d, a, b] : [d, a, b, c], mask);
  }

  #data(chunk: Buffer, start: number, end: number): void {
    const last = this.#left === 0 && this.#final;
    const payload = chunk.subarray(start, end);
    if (this.#text !== null) this.#check(this.#text, payload, last);
    if (last) {
      this.#within = false;
      this.#text = null;
    }
    if (end > start) this.sink.data(payload);
  }

  #check(text: InstanceType<typeof TextDecoder>, payload: Buffer, last: boolean): void {
    try {
      text.decode(payload, { stream: !last });
    } catch {
      throw new WebSocketError(CLOSE.invalidData, 'a message of text is no UTF-8');
    }
  }

  #onControl(): void {
    const payload = this.#control.subarray(0, this.#controlLength);
    if (this.#opcode === OPCODE.ping) this.sink.ping(payload);
    else if (this.#opcode === OPCODE.close) this.sink.close(closeCodeOf(payload));
  }
}

function closeCodeOf(payload: Buffer): number | null {
  if (payload.length === 0) return null;
  if (payload.length === 1) throw violation('a close frame with half a code');
  const code = payload.readUInt16BE(0);
  const isOurs = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  if (!isOurs && (code < 3000 || code > 4999)) throw violation(`close code ${code} is not for frames`);
  return code;
}

function violation(message: string): WebSocketError {
  return new WebSocketError(CLOSE.protocolError, message);
}
