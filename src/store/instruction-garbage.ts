import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { INSTRUCTION_GARBAGE_BYTES, MEMORY_COLLECTED_ABOVE } from './limits';

/** What the binding writes for a put or a delete: its head, a key of 12 bytes, and where the value stands. */
const INSTRUCTION_BYTES = 48;
const PAGE_BYTES = 4_096;

/**
 * The binding hands its instructions to its thread in shared buffers, and never uses one again. They are garbage that outlives V8's quick
 * collections, and whose bytes V8 does not count: with little else to collect it lets hundreds of MiB of them lie. So it is made to
 * collect, where there is much.
 */
export class InstructionGarbage {
  #bytes = 0;

  constructor(
    private readonly memory: () => number = memoryInUse,
    private readonly collect: () => void = collectAll,
  ) {}

  /** So many puts and deletes were handed over. */
  add(operations: number): void {
    this.#bytes += operations * INSTRUCTION_BYTES;
    if (this.#bytes < INSTRUCTION_GARBAGE_BYTES) return;
    this.#bytes = 0;
    if (this.memory() > MEMORY_COLLECTED_ABOVE) this.collect();
  }
}

/** Bytes of this process, without pages of files where the system tells them apart. */
function memoryInUse(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  const [, resident = 0, shared = 0] = readFileSync('/proc/self/statm', 'latin1').split(' ').map(Number);
  return (resident - shared) * PAGE_BYTES;
}

let collectNow: (() => void) | null = null;

function collectAll(): void {
  if (collectNow === null) {
    setFlagsFromString('--expose-gc');
    collectNow = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collectNow();
}
