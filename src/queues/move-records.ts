import { WireReader, WireWriter } from '../common/wire';
import type { Group } from './group';
import type { MoveNotes } from './moves-contract';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

interface Note {
  /** Key of its record. */
  readonly id: number;
  /** Null while it is deleted and that is not on the disk. */
  text: string | null;
  /** Changes so far. */
  version: number;
}

/** Short notes by name, on the disk with the group in which they were made: what has to be known of moves after a crash. */
export class MoveRecords implements MoveNotes {
  readonly #notes = new Map<string, Note>();
  #nextId = 1;

  /** @throws RecordDamagedError */
  constructor(
    private readonly store: QueueStore,
    private readonly change: () => Group,
  ) {
    store.scan(SPACE.moves, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      const reader = new WireReader(value);
      this.#notes.set(reader.text(), { id, text: reader.rest().toString(), version: 0 });
      this.#nextId = id + 1;
      return true;
    });
  }

  get(name: string): string | null {
    return this.#notes.get(name)?.text ?? null;
  }

  *names(prefix: string): IterableIterator<string> {
    for (const [name, { text }] of this.#notes) if (text !== null && name.startsWith(prefix)) yield name;
  }

  set(name: string, text: string | null, done: () => void = () => undefined): void {
    let note = this.#notes.get(name);
    if (note === undefined) this.#notes.set(name, (note = { id: this.#nextId++, text, version: 0 }));
    note.text = text;
    note.version++;
    this.#write(name, note, note.version, done);
  }

  #write(name: string, note: Note, version: number, done: () => void): void {
    const { id, text } = note;
    if (text === null) this.store.delete(SPACE.moves, 0, id);
    else this.store.put(SPACE.moves, 0, id, new WireWriter(128).text(name).raw(Buffer.from(text)).take());
    this.change().waiting.push({
      done: (error) => {
        if (error !== null) this.#write(name, note, version, done);
        else {
          if (text === null && note.version === version && this.#notes.get(name) === note) this.#notes.delete(name);
          done();
        }
      },
    });
  }
}
