import type { Queue, QueueHost, QueuePolicy } from '../queues/contract';
import { lateName, readLateName } from './reserved-names';

/**
 * What is put here for a subscription that is on its way to another node, or has gone there: in queues of its own, one after the other,
 * so that one of them can be read to its end while the next one takes what comes.
 */
export class LateQueues {
  /** By subscription; the oldest first. */
  readonly #names = new Map<string, string[]>();
  #last = 0;

  constructor(
    private readonly host: QueueHost,
    /** Nothing can be put into it any more. */
    private readonly isLeaving: (name: string) => boolean,
  ) {}

  /** What the last life left. */
  start(): void {
    const found = this.host.stored.flatMap((name) => {
      const late = readLateName(name);
      return late === null ? [] : [{ name, ...late }];
    });
    for (const { name, number, queue } of found.sort((a, b) => a.number - b.number)) {
      this.#last = number;
      this.#add(queue, name);
    }
  }

  #add(queue: string, name: string): void {
    const names = this.#names.get(queue);
    if (names === undefined) this.#names.set(queue, [name]);
    else names.push(name);
  }

  get any(): boolean {
    return this.#names.size > 0;
  }

  subscriptions(): Iterable<string> {
    return this.#names.keys();
  }

  /** @throws FairleadError when its records are damaged */
  open(queue: string, policy: QueuePolicy): Queue {
    const newest = this.#names.get(queue)?.at(-1);
    if (newest !== undefined && !this.isLeaving(newest)) return this.host.open(newest, policy);
    const name = lateName(++this.#last, queue);
    this.#add(queue, name);
    return this.host.open(name, policy);
  }

  /** Something can still come between what is under way into the subscription here and what comes next. */
  isBehind(queue: string): boolean {
    const names = this.#names.get(queue) ?? [];
    return names.length > 1 || (names.length === 1 && !this.isLeaving(names[0] ?? ''));
  }

  /** The one that goes next; null where nothing is late. */
  first(queue: string): string | null {
    return this.#names.get(queue)?.[0] ?? null;
  }

  /** It has been deleted. */
  gone(name: string): void {
    const queue = readLateName(name)?.queue ?? '';
    const rest = (this.#names.get(queue) ?? []).filter((other) => other !== name);
    if (rest.length === 0) this.#names.delete(queue);
    else this.#names.set(queue, rest);
  }
}
