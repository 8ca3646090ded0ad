import { invariant } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { MapStamp, Space } from './contract';
import { HISTORY_BYTES_MAX, HISTORY_FRAMES_MAX, STATE_BYTES_MAX } from './limits';
import { changeBytes, writeState, type Change, type StateHead } from './state-frames';

/** Room for the head of a state frame: two names of 255 bytes and the fixed fields. */
const HEAD_BYTES_MAX = 600;

/** A node as far as its replicas tell. */
export interface OriginHead {
  readonly id: NodeId;
  readonly name: string;
  readonly site: string;
  readonly born: number;
}

/** One origin's map in one space: its stamp, its entries, and the frames of its last deltas. */
export class Replica {
  incarnation = 0;
  version = 0;
  entries = new Map<string, Buffer>();
  #history: Buffer[] = [];
  #historyBytes = 0;

  constructor(
    readonly space: Space,
    readonly origin: NodeId,
  ) {}

  /** True when this map is as new as the stamp or newer. */
  isAtLeast(incarnation: number, version: number): boolean {
    return this.incarnation > incarnation || (this.incarnation === incarnation && this.version >= version);
  }

  /** A hash of the stamp; the exclusive or of all is the table's summary. Zero while there is nothing. */
  get hash(): number {
    if (this.version === 0) return 0;
    let hash = mix(this.origin ^ (this.space * 0x9e3779b1));
    hash = mix(hash ^ (this.incarnation % 0x1_0000_0000) ^ Math.floor(this.incarnation / 0x1_0000_0000));
    return mix(hash ^ (this.version % 0x1_0000_0000) ^ Math.floor(this.version / 0x1_0000_0000)) >>> 0;
  }

  /** Null while there is nothing. */
  stamp({ site, born }: OriginHead): MapStamp | null {
    const { incarnation, version } = this;
    return version === 0 ? null : { site, incarnation, born: bornOf(born, incarnation), version };
  }

  replace(incarnation: number, version: number, entries: Map<string, Buffer>): void {
    this.incarnation = incarnation;
    this.version = version;
    this.entries = entries;
    this.#history = [];
    this.#historyBytes = 0;
  }

  /** Applies the next version, whose frame is kept for whoever missed it. */
  advance(changes: readonly Change[], frame: Buffer): void {
    this.version++;
    for (const [key, value] of changes) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
    this.remember(frame);
  }

  remember(frame: Buffer): void {
    this.#history.push(frame);
    this.#historyBytes += frame.length;
    while (this.#history.length > HISTORY_FRAMES_MAX || this.#historyBytes > HISTORY_BYTES_MAX)
      this.#historyBytes -= (this.#history.shift() as Buffer).length;
  }

  /** Frames that bring a holder of (incarnation, version) up to date: the deltas it missed, or a snapshot. */
  framesSince(head: OriginHead, incarnation: number, version: number): Buffer[] {
    const missed = this.version - version;
    if (incarnation === this.incarnation && missed > 0 && missed <= this.#history.length)
      return this.#history.slice(this.#history.length - missed);
    return this.snapshot(head);
  }

  snapshot(head: OriginHead): Buffer[] {
    const parts: Change[][] = [[]];
    let bytes = HEAD_BYTES_MAX;
    for (const [key, value] of this.entries) {
      const size = changeBytes(key, value);
      if (bytes + size > STATE_BYTES_MAX) {
        parts.push([]);
        bytes = HEAD_BYTES_MAX;
      }
      bytes += size;
      (parts[parts.length - 1] as Change[]).push([key, value]);
    }
    return parts.map((changes, part) => writeState(this.#head(head, true, part, part === parts.length - 1), changes));
  }

  /** The frame of the delta that leads to `version`. */
  delta(head: OriginHead, version: number, changes: readonly Change[]): Buffer {
    const frame = writeState({ ...this.#head(head, false, 0, true), version }, changes);
    invariant(frame.length <= STATE_BYTES_MAX, `delta of ${frame.length} bytes`);
    return frame;
  }

  #head(head: OriginHead, snapshot: boolean, part: number, last: boolean): Omit<StateHead, 'origin'> {
    const { name, site } = head;
    const { space, incarnation, version } = this;
    const born = bornOf(head.born, incarnation);
    return { space, snapshot, last, name, site, incarnation, born, version, part };
  }
}

/** Facts of a former life are older than the process that lives now. */
function bornOf(born: number, incarnation: number): number {
  return Math.min(born, incarnation);
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Changes of this node's own map that no frame holds yet, already cut into versions that fit a frame each. */
export class PendingChanges {
  readonly #versions: Map<string, Buffer | null>[] = [];
  #bytes = 0;

  get versions(): number {
    return this.#versions.length;
  }

  add(key: string, value: Buffer | null): void {
    const size = changeBytes(key, value);
    let current = this.#versions[this.#versions.length - 1];
    if (current === undefined || HEAD_BYTES_MAX + this.#bytes + size > STATE_BYTES_MAX) {
      this.#versions.push((current = new Map()));
      this.#bytes = 0;
    }
    this.#bytes += size;
    current.delete(key);
    current.set(key, value);
  }

  take(): Change[][] {
    this.#bytes = 0;
    return this.#versions.splice(0).map((changes) => [...changes]);
  }
}
