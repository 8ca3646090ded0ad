import { DROP_REASON } from '../streams/contract';
import type { Queue } from '../queues/contract';
import { compileMessageFilter, type MessageFilter } from '../queues/message-filter';
import { FilterTrie } from './filter-trie';
import { ROUTED_MAX, ROUTES_CACHED_MAX } from './limits';
import type { AddressCounters } from './ports';
import type { SubscriptionDefinition } from './queue-claim';
import { readHeading, type PutHeading } from './put-heading';
import type { Stint } from './subscription-records';

/** A subscription that lives here, as messages find it. */
interface Member {
  readonly name: string;
  /** Null when it has moved away: what comes late is put aside for it. */
  readonly queue: Queue | null;
  readonly stints: readonly Stint[];
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
    /** A queue for what was put here for a subscription that has moved away meanwhile. */
    private readonly late: (name: string) => Queue,
  ) {}

  /**
   * @param queue null for one that has moved away
   * @throws SelectorError
   */
  add(name: string, queue: Queue | null, definition: SubscriptionDefinition, stints: readonly Stint[]): void {
    const { filter, selector, notFrom } = definition;
    const compiled = selector === null ? null : compileMessageFilter(selector);
    const member = { name, queue, stints, selector: compiled, notFrom };
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
    if (queues !== null) return queues;
    const takers = members.filter((member) => wants(member, payload, start, end, publisher));
    return takers.map(({ name, queue }) => queue ?? this.late(name));
  };

  #forget(): void {
    this.#found.clear();
    this.#routed = 0;
  }

  #lookUp(text: string): Found {
    const heading = readHeading(text, this.selfName);
    const members: Member[] = [];
    if (heading !== null)
      this.#filters.match(heading.topic, (member) => {
        if (isMeant(member, heading)) members.push(member);
      });
    const found = { members, queues: queuesOf(members) };
    if (this.#found.size >= ROUTES_CACHED_MAX || this.#routed >= ROUTED_MAX) this.#forget();
    this.#found.set(text, found);
    this.#routed += members.length;
    return found;
  }
}

/** Whether a message is for a subscription here, or that was here: as who put it knew. */
function isMeant({ stints }: Member, { clock, without, with: others }: PutHeading): boolean {
  if (stints.some(([since]) => others.includes(since))) return true;
  if (stints.some(([since]) => without.includes(since))) return false;
  return stints.some(([since, until]) => since <= clock && (until === 0 || clock < until));
}

function queuesOf(members: readonly Member[]): readonly Queue[] | null {
  const queues: Queue[] = [];
  for (const { queue, selector, notFrom } of members) {
    if (queue === null || selector !== null || notFrom !== 0) return null;
    queues.push(queue);
  }
  return queues;
}

function wants({ selector, notFrom }: Member, payload: Buffer, start: number, end: number, publisher: number): boolean {
  if (notFrom !== 0 && notFrom === publisher) return false;
  return selector === null || selector.matches(payload, start, end);
}
