import type { PutSink } from '../queues/contract';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { ForwarderPorts } from './forwarder';

const INITIAL = 64;

/** Messages of publishers here that are on their way to this node's disk, in one part or several: what they take, and their answers. */
export class OwnPuts implements PutSink {
  /** Bytes counted for each, by slot; and parts that are not answered. */
  #bytes = new Int32Array(INITIAL);
  #parts = new Uint16Array(INITIAL);
  /** Why a part was not taken, by slot: the first that was not. */
  readonly #refused = new Map<number, { readonly outcome: Outcome; readonly detail: OutcomeDetail | null }>();

  constructor(private readonly shared: Pick<ForwarderPorts, 'pending' | 'retention'>) {}

  open(slot: number, bytes: number, parts: number): void {
    if (slot >= this.#bytes.length) this.#grow(slot);
    this.#bytes[slot] = bytes;
    this.#parts[slot] = parts;
    this.shared.retention.recharge(0, bytes);
  }

  #grow(slot: number): void {
    const length = Math.max(this.#bytes.length * 2, slot + 1);
    const [bytes, parts] = [new Int32Array(length), new Uint16Array(length)];
    bytes.set(this.#bytes);
    parts.set(this.#parts);
    this.#bytes = bytes;
    this.#parts = parts;
  }

  /** A part is on the disk, or certainly is not. */
  onPut(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const left = (this.#parts[slot] as number) - 1;
    this.#parts[slot] = left;
    if (outcome !== OUTCOME.accepted && !this.#refused.has(slot)) this.#refused.set(slot, { outcome, detail });
    if (left > 0) return;
    const { retention, pending } = this.shared;
    retention.discharge(this.#bytes[slot] as number);
    const refused = this.#refused.size === 0 ? undefined : this.#refused.get(slot);
    if (refused !== undefined) this.#refused.delete(slot);
    pending.finish(slot, refused?.outcome ?? OUTCOME.accepted, refused?.detail ?? null);
    pending.free(slot);
  }
}
