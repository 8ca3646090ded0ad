import { InstructionGarbage } from './instruction-garbage';
import type { QueueEnvironment } from './queue-environment';
import type { Arena } from './write-log';

/** Writes records into the batch that is open. */
export class RecordWriter {
  #environment: QueueEnvironment | null = null;
  readonly #garbage = new InstructionGarbage();
  /** Puts and deletes of the transaction. */
  #operations = 0;

  /** A transaction begins. */
  use(environment: QueueEnvironment): void {
    this.#garbage.add(this.#operations);
    this.#operations = 0;
    this.#environment = environment;
  }

  put(space: number, queue: number, key: number, arena: Arena): void {
    const { root, codec } = this.#environment!;
    codec.space = space;
    codec.queue = queue;
    this.#operations++;
    void root.put(key, arena);
  }

  delete(space: number, queue: number, key: number): void {
    const { root, codec } = this.#environment!;
    codec.space = space;
    codec.queue = queue;
    this.#operations++;
    void root.remove(key);
  }
}
