import { AMQP_OUTCOME, type AmqpOutcome } from './constants';

/** Writes one disposition frame for the deliveries `first` to `last`. */
export type WriteRange = (first: number, last: number, settled: boolean, outcome: AmqpOutcome | null) => void;

/**
 * Collects dispositions without fields during a turn, so that they leave as ranges. Settled `accepted` ones may come in any
 * order and are sorted; others are ranges as long as they come in order.
 */
export class DispositionQueue {
  #accepted = new Uint32Array(256);
  #acceptedCount = 0;
  #sorted = true;
  #first = 0;
  #last = 0;
  #settled = false;
  #outcome: AmqpOutcome | null = null;
  #open = false;

  constructor(private readonly write: WriteRange) {}

  get empty(): boolean {
    return this.#acceptedCount === 0 && !this.#open;
  }

  add(deliveryId: number, settled: boolean, outcome: AmqpOutcome | null): void {
    if (settled && outcome === AMQP_OUTCOME.accepted) {
      this.#addAccepted(deliveryId);
      return;
    }
    if (this.#open && deliveryId === (this.#last + 1) >>> 0 && settled === this.#settled && outcome === this.#outcome) {
      this.#last = deliveryId;
      return;
    }
    this.#closeRange();
    this.#open = true;
    this.#first = this.#last = deliveryId;
    this.#settled = settled;
    this.#outcome = outcome;
  }

  #addAccepted(deliveryId: number): void {
    const count = this.#acceptedCount;
    if (count === this.#accepted.length) {
      const grown = new Uint32Array(count * 2);
      grown.set(this.#accepted);
      this.#accepted = grown;
    }
    if (count > 0 && ((deliveryId - (this.#accepted[count - 1] as number)) | 0) < 0) this.#sorted = false;
    this.#accepted[count] = deliveryId;
    this.#acceptedCount = count + 1;
  }

  #closeRange(): void {
    if (!this.#open) return;
    this.#open = false;
    this.write(this.#first, this.#last, this.#settled, this.#outcome);
  }

  flush(): void {
    this.#closeRange();
    const count = this.#acceptedCount;
    if (count === 0) return;
    const ids = this.#accepted;
    if (!this.#sorted) ids.subarray(0, count).sort(bySerial);
    let first = ids[0] as number;
    let last = first;
    for (let at = 1; at < count; at++) {
      const id = ids[at] as number;
      if (id === (last + 1) >>> 0) {
        last = id;
        continue;
      }
      this.write(first, last, true, AMQP_OUTCOME.accepted);
      first = last = id;
    }
    this.write(first, last, true, AMQP_OUTCOME.accepted);
    this.#acceptedCount = 0;
    this.#sorted = true;
  }
}

/** Serial numbers of one turn lie within 2^31 of each other (RFC 1982). */
function bySerial(a: number, b: number): number {
  return (a - b) | 0;
}
