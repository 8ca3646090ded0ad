import type { Group } from './group';
import { EXCLUDED_ENDPOINTS_MAX, EXCLUSIONS_MAX } from './limits';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** The queue whose messages they are. */
export interface ExclusionsHome {
  /** Null for a queue that lives in memory. */
  readonly store: QueueStore | null;
  readonly id: number;
  /** What this turn changes. */
  readonly group: Group;
  touch(): void;
}

/**
 * Which endpoints have said of which messages that they can never take them (`undeliverable-here`, part 3.4.5). A positive number names
 * the endpoint of a client's link, and outlives a restart; a negative one a consumer that has no name.
 */
export class Exclusions {
  readonly #endpoints = new Map<number, number[]>();

  constructor(private readonly home: ExclusionsHome) {}

  /** After a start. @throws RecordDamagedError */
  load(): void {
    const { store, id } = this.home;
    store?.scan(SPACE.exclusions, id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      this.#endpoints.set(key, decode(value));
      return true;
    });
  }

  add(key: number, endpoint: number): void {
    const endpoints = this.#endpoints.get(key) ?? [];
    if (endpoints.includes(endpoint)) return;
    endpoints.push(endpoint);
    if (endpoints.length > EXCLUDED_ENDPOINTS_MAX) endpoints.shift();
    this.#set(key, endpoints);
    if (this.#endpoints.size <= EXCLUSIONS_MAX) return;
    const [oldest] = this.#endpoints.keys();
    if (oldest !== undefined) this.forget(oldest);
  }

  has(key: number, endpoint: number): boolean {
    return this.#endpoints.size > 0 && this.#endpoints.get(key)?.includes(endpoint) === true;
  }

  /** The message is gone. */
  forget(key: number): void {
    if (this.#endpoints.size > 0 && this.#endpoints.delete(key)) this.#write(key);
  }

  /** The link of an endpoint is closed: another of its name is another one. */
  closed(endpoint: number): void {
    for (const [key, endpoints] of this.#endpoints) {
      if (!endpoints.includes(endpoint)) continue;
      if (endpoints.length === 1) this.forget(key);
      else
        this.#set(
          key,
          endpoints.filter((one) => one !== endpoint),
        );
    }
  }

  /** A message goes on in another queue, or under another key. */
  moved(key: number, to: Exclusions, newKey: number): void {
    for (const endpoint of this.#endpoints.get(key) ?? []) if (endpoint > 0) to.add(newKey, endpoint);
    this.forget(key);
  }

  #set(key: number, endpoints: number[]): void {
    this.#endpoints.set(key, endpoints);
    this.#write(key);
  }

  /** Written until it has come to pass. */
  #write(key: number): void {
    const { store, id, group } = this.home;
    if (store === null) return;
    const named = (this.#endpoints.get(key) ?? []).filter((endpoint) => endpoint > 0);
    if (named.length > 0) store.put(SPACE.exclusions, id, key, encode(named));
    else store.delete(SPACE.exclusions, id, key);
    group.waiting.push({ done: (error) => error !== null && this.#write(key) });
    this.home.touch();
  }
}

function encode(endpoints: readonly number[]): Buffer {
  const value = Buffer.alloc(endpoints.length * 4);
  endpoints.forEach((endpoint, at) => value.writeUInt32BE(endpoint, at * 4));
  return value;
}

function decode(value: Buffer): number[] {
  return Array.from({ length: value.length >>> 2 }, (_, at) => value.readUInt32BE(at * 4));
}
