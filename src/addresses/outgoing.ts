import type { AddressEntry } from './address-entry';
import type { Totals } from './outbox-records';

/** What waits at this node for one queue of another. */
export class Outgoing implements Totals {
  messages = 0;
  bytes = 0;
  /** The newest that is on the disk. */
  durable = 0;
  /** What comes next to be forwarded is not below this. */
  cursor = 0;
  /** Numbers of those that have their place and are not on the disk yet, in order, and their bytes: what is newer waits for them. */
  readonly #storing: number[] = [];
  readonly #storingBytes = new Map<number, number>();
  /** Bytes of all of them. */
  storingBytes = 0;
  /** Epoch of those under way to the home, and how many they are. */
  epoch = 0;
  underWay = 0;
  /** What was under way was not taken, and goes again first. */
  isBroken = false;
  /** What is below this was forwarded before: some of it may be done with. */
  readTo = 0;
  /** A large one is, whose home takes its time to store it: what it could not write would come again behind what is newer. */
  isLargeUnderWay = false;
  /** Not before that time. */
  pausedUntil = 0;
  /** When it was empty, or the home took something, for the last time. */
  movedAt = 0;
  /** What the home said when it did not take one for now; null since it took one. */
  refusal: string | null = null;
  /** Why it cannot be read any more. */
  damage: Error | null = null;

  constructor(
    readonly id: number,
    readonly entry: AddressEntry,
  ) {}

  /** Nothing waits: what comes now may go another way without overtaking. */
  get empty(): boolean {
    return this.messages === 0 && this.#storing.length === 0;
  }

  /** The newest that may be forwarded. */
  get limit(): number {
    const [first = Infinity] = this.#storing;
    return Math.min(this.durable, first - 1);
  }

  /** The oldest of those that are not on the disk. */
  get oldestStoring(): number {
    return this.#storing[0] ?? Number.MAX_SAFE_INTEGER;
  }

  /** How many they are. */
  get storing(): number {
    return this.#storing.length;
  }

  store(key: number, bytes: number): void {
    this.#storing.push(key);
    this.#storingBytes.set(key, bytes);
    this.storingBytes += bytes;
  }

  /** It is on the disk, or never will be. */
  stored(key: number): void {
    const bytes = this.#storingBytes.get(key);
    if (bytes === undefined) return;
    this.#storingBytes.delete(key);
    this.storingBytes -= bytes;
    if (this.#storing[0] === key) this.#storing.shift();
    else this.#storing.splice(this.#storing.indexOf(key), 1);
  }

  count(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
  }
}
