import { INSTRUCTION_GARBAGE_BYTES, NUDGE_BYTES } from './limits';

/** What the binding writes for a put or a delete: its head, a key of 12 bytes, and where the value stands. */
const INSTRUCTION_BYTES = 48;

/**
 * The binding hands its instructions to its thread in shared buffers, and never uses one again. They are garbage that outlives V8's quick
 * collections, and whose bytes V8 does not count: with little else to collect it lets hundreds of MiB of them lie. So it is told.
 */
export class InstructionGarbage {
  #bytes = 0;

  constructor(private readonly tell: () => void = tellCollector) {}

  /** So many puts and deletes were handed over. */
  add(operations: number): void {
    this.#bytes += operations * INSTRUCTION_BYTES;
    if (this.#bytes < INSTRUCTION_GARBAGE_BYTES) return;
    this.#bytes = 0;
    this.tell();
  }
}

/** Counted at once, which has V8 begin to mark beside what goes on; the system gives no page of it, as nothing touches it. */
function tellCollector(): void {
  void new ArrayBuffer(NUDGE_BYTES);
}
