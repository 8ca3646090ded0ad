import { escaped } from './header-text';
import type { StompVersion } from './version';

const BLOCK_BYTES = 32 * 1024;
const LF = 0x0a;
const COLON = 0x3a;
const NUL = 0;
const EMPTY = Buffer.alloc(0);

/** Frames to a client, gathered until the turn ends. */
export class FrameOutput {
  /** Blocks that are full, or were cut short, of this turn. */
  #done: Buffer[] = [];
  #block = EMPTY;
  /** Of the block: up to `start` it has been taken, up to `at` written. */
  #start = 0;
  #at = 0;
  /** Bytes that nobody has taken yet. */
  pending = 0;

  /** All that was written since the last call. Written bytes are not changed any more. */
  take(): Buffer[] {
    const taken = this.#done;
    if (this.#at > this.#start) taken.push(this.#block.subarray(this.#start, this.#at));
    this.#start = this.#at;
    this.#done = [];
    this.pending = 0;
    return taken;
  }

  /** Holds on to nothing: an idle connection costs nothing. */
  release(): void {
    if (this.#at !== this.#start) return;
    this.#block = EMPTY;
    this.#start = this.#at = 0;
  }

  /** Makes room for so many bytes behind `at`. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#block.length) return;
    if (this.#at > this.#start) this.#done.push(this.#block.subarray(this.#start, this.#at));
    this.#block = Buffer.allocUnsafeSlow(Math.max(bytes, BLOCK_BYTES));
    this.#start = this.#at = 0;
  }

  command(command: string): this {
    return this.text(command).#byte(LF);
  }

  /** A header whose name and value need no escapes. */
  plain(name: string, value: string): this {
    return this.text(name).#byte(COLON).text(value).#byte(LF);
  }

  /** A header of a version; left out where that cannot say it. */
  header(name: string, value: string, version: StompVersion): this {
    const nameTold = escaped(name, version, true);
    const valueTold = escaped(value, version, false);
    return nameTold === null || valueTold === null ? this : this.plain(nameTold, valueTold);
  }

  /** The empty line. */
  endHead(): this {
    return this.#byte(LF);
  }

  text(text: string): this {
    // A character of JavaScript is three bytes of UTF-8 at most.
    this.#room(3 * text.length);
    const bytes = this.#block.write(text, this.#at);
    this.#at += bytes;
    this.pending += bytes;
    return this;
  }

  bytes(bytes: Buffer, start: number, end: number): this {
    this.#room(end - start);
    bytes.copy(this.#block, this.#at, start, end);
    this.#at += end - start;
    this.pending += end - start;
    return this;
  }

  endFrame(): this {
    return this.#byte(NUL);
  }

  endOfLine(): this {
    return this.#byte(LF);
  }

  #byte(byte: number): this {
    this.#room(1);
    this.#block[this.#at++] = byte;
    this.pending++;
    return this;
  }
}
