import { createHash } from 'node:crypto';
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readDocument } from './load';

/** What the watcher needs of its surroundings; tests give their own. */
export interface WatchPorts {
  /** Calls back on any sign that the file may have changed; returns how to stop. */
  readonly watch: (file: string, onSign: () => void) => () => void;
  readonly read: (file: string) => string;
  readonly delay: (ms: number, then: () => void) => () => void;
}

/** Editors write in several steps: wait until it has been quiet for this long. */
const DEBOUNCE_MS = 150;
/** File systems without notifications (some network and overlay mounts) are looked at this often. */
const POLL_MS = 5_000;

/** A pipe or a terminal gives its text once: who reads it again gets nothing, or is held up until somebody writes. */
function isReadOnce(file: string): boolean {
  try {
    const stat = statSync(file);
    return stat.isFIFO() || stat.isCharacterDevice() || stat.isSocket();
  } catch {
    return false; // who reads it is told why
  }
}

/** Watches the folder, not the file: editors and Kubernetes replace files by renaming. */
function watchFolder(file: string, changed: () => void): () => void {
  const onSign = (): void => {
    if (!isReadOnce(file)) changed();
  };
  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      // A ConfigMap mount swaps a symbolic link called ..data, never the file itself.
      if (name === null || name === basename(file) || name.startsWith('..')) onSign();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // Polling alone still sees the change.
  }
  const timer = setInterval(onSign, POLL_MS);
  timer.unref();
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}

export const NODE_WATCH_PORTS: WatchPorts = {
  watch: watchFolder,
  read: readDocument,
  delay: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Tells when the text of a document has really changed: each content once, after writing has come to rest. */
export class DocumentWatcher {
  #stopWatching: (() => void) | null = null;
  #cancel: (() => void) | null = null;
  #hash: string;

  /**
   * @param text what is in force now
   * @param onText a new text, or the reason why there is none
   */
  constructor(
    private readonly file: string,
    text: string,
    private readonly onText: (text: string | Error) => void,
    private readonly ports: WatchPorts = NODE_WATCH_PORTS,
  ) {
    this.#hash = contentHash(text);
  }

  start(): void {
    this.#stopWatching = this.ports.watch(this.file, () => this.#sign());
  }

  stop(): void {
    this.#stopWatching?.();
    this.#cancel?.();
    this.#stopWatching = this.#cancel = null;
  }

  #sign(): void {
    this.#cancel?.();
    this.#cancel = this.ports.delay(DEBOUNCE_MS, () => this.#look());
  }

  #look(): void {
    this.#cancel = null;
    let result: string | Error;
    try {
      result = this.ports.read(this.file);
    } catch (error) {
      result = error instanceof Error ? error : new Error(String(error));
    }
    const hash = contentHash(typeof result === 'string' ? result : `unreadable ${result.message}`);
    if (hash === this.#hash) return;
    this.#hash = hash;
    this.onText(result);
  }
}
