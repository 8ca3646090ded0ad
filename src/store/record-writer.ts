import type { RootDatabase } from 'lmdb';
import { InstructionGarbage } from './instruction-garbage';
import type { KeyCodec } from './queue-key';
import type { Arena, LogWriter } from './write-log';

/** Writes changes of the log into the batch that is open. */
export class RecordWriter implements LogWriter {
  #root: RootDatabase<Buffer, number> | null = null;
  #codec: KeyCodec | null = null;
  readonly #garbage = new InstructionGarbage();
  /** Puts and deletes of the transaction. */
  #operations = 0;

  /** A transaction begins. */
  use(root: RootDatabase<Buffer, number>, codec: KeyCodec): void {
    this.#garbage.add(this.#operations);
    this.#operations = 0;
    this.#root = root;
    this.#codec = codec;
  }

  put(space: number, queue: number, key: number, arena: Arena): void {
    const codec = this.#codec!;
    codec.space = space;
    codec.queue = queue;
    this.#operations++;
    void this.#root!.put(key, arena);
  }

  delete(space: number, queue: number, key: number): void {
    const codec = this.#codec!;
    codec.space = space;
    codec.queue = queue;
    this.#operations++;
    void this.#root!.remove(key);
  }
}
