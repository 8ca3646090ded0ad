import type { PutSink } from '../queues/contract';
import type { Outcome, OutcomeDetail } from '../streams/contract';
import type { ForwarderPorts } from './forwarder';

const INITIAL = 64;

/** Messages of publishers here that are on their way to this node's disk: what they take, and their answers. */
export class OwnPuts implements PutSink {
  /** Bytes counted for each, by slot. */
  #bytes = new Int32Array(INITIAL);

  constructor(private readonly shared: Pick<ForwarderPorts, 'pending' | 'retention'>) {}

  open(slot: number, bytes: number): void {
    if (slot >= this.#bytes.length) this.#grow(slot);
    this.#bytes[slot] = bytes;
    this.shared.retention.recharge(0, bytes);
  }

  #grow(slot: number): void {
    const bytes = new Int32Array(Math.max(this.#bytes.length * 2, slot + 1));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  /** It is on the disk, or certainly is not. */
  onPut(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const { retention, pending } = this.shared;
    retention.discharge(this.#bytes[slot] as number);
    pending.finish(slot, outcome, detail);
    pending.free(slot);
  }
}
