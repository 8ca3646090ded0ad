import { DROP_REASON } from '../streams/contract';
import type { Queue } from '../queues/contract';
import { compileMessageFilter, type MessageFilter } from '../queues/message-filter';
import { FilterTrie } from './filter-trie';
import { ROUTED_MAX, ROUTES_CACHED_MAX } from './limits';
import type { AddressCounters } from './ports';
import type { QueueClaim } from './queue-claim';
import { readHeading } from './subscription-book';

/** A subscription that lives here, as messages find it. */
interface Member {
  readonly name: string;
  readonly queue: Queue;
  readonly since: number;
  readonly selector: MessageFilter | null;
  readonly notFrom: number;
}

/** Which subscriptions here what is put with one heading is for, if their selectors want it. */
interface Found {
  readonly members: readonly Member[];
  /** Their queues, when none of them is choosy. */
  readonly queues: readonly Queue[] | null;
}

/** The subscriptions that live at this node: which of them a message goes to. */
export class SubscriptionRouting {
  readonly #members = new Map<string, { readonly filter: string; readonly member: Member }>();
  readonly #filters = new FilterTrie<Member>();
  /** By heading: a topic is published to more than once. */
  readonly #found = new Map<string, Found>();
  /** Subscriptions in all of these. */
  #routed = 0;

  constructor(
    private readonly selfName: string,
    private readonly counters: AddressCounters,
  ) {}

  /** @throws SelectorError */
  add(queue: Queue, { since, subscription }: QueueClaim): void {
    if (subscription === null) return;
    const { filter, selector, notFrom } = subscription;
    const { name } = queue;
    const compiled = selector === null ? null : compileMessageFilter(selector);
    const member = { name, queue, since, selector: compiled, notFrom };
    this.remove(name);
    this.#members.set(name, { filter, member });
    this.#filters.add(filter, member);
  }

  remove(name: string): void {
    this.#forget();
    const known = this.#members.get(name);
    if (known === undefined) return;
    this.#members.delete(name);
    this.#filters.remove(known.filter, known.member);
  }

  /** The queues of a message, or of the one of which that is the head. @param heading as it was put with */
  readonly route = (
    heading: string,
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
  ): readonly Queue[] => {
    const { members, queues } = this.#found.get(heading) ?? this.#lookUp(heading);
    if (members.length === 0) this.counters.drop(DROP_REASON.noSubscriber, 1);
    return (
      queues ?? members.filter((member) => wants(member, payload, start, end, publisher)).map(({ queue }) => queue)
    );
  };

  #forget(): void {
    this.#found.clear();
    this.#routed = 0;
  }

  /** Name of a subscription that a message is for and that has no room for it, and is to refuse it then; null when there is none. */
  full(heading: string, payload: Buffer, start: number, end: number, publisher: number): string | null {
    const { members } = this.#found.get(heading) ?? this.#lookUp(heading);
    for (const member of members)
      if (member.queue.isFull(end - start) && wants(member, payload, start, end, publisher)) return member.name;
    return null;
  }

  #lookUp(text: string): Found {
    const heading = readHeading(text, this.selfName);
    const members: Member[] = [];
    if (heading !== null)
      this.#filters.match(heading.topic, (member) => {
        if (member.since <= heading.clock && !heading.without.includes(member.name)) members.push(member);
      });
    const isChoosy = members.some(({ selector, notFrom }) => selector !== null || notFrom !== 0);
    const found = { members, queues: isChoosy ? null : members.map(({ queue }) => queue) };
    if (this.#found.size >= ROUTES_CACHED_MAX || this.#routed >= ROUTED_MAX) this.#forget();
    this.#found.set(text, found);
    this.#routed += members.length;
    return found;
  }
}

function wants({ selector, notFrom }: Member, payload: Buffer, start: number, end: number, publisher: number): boolean {
  if (notFrom !== 0 && notFrom === publisher) return false;
  return selector === null || selector.matches(payload, start, end);
}
