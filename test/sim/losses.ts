import { OUTCOME } from '../../src/streams/contract';
import type { Deliveries } from './deliveries';
import type { ConsumerRecord, Ledger, PublisherRecord, SentMessage } from './ledger';
import { Matching, type Demand } from './matching';
import { CAUSES, type Account, type Cause, type Oracle } from './oracle';
import { nameOfConsumer, nameOfMessage, told, type Problem } from './problems';

/** What became of the deliveries that were owed. */
export interface LossTally {
  arrived: number;
  /** They did not come, and a node counted them. */
  counted: number;
  /** They did not come, and nobody had to count them: by cause. */
  readonly excused: Record<Cause, number>;
}

/** What nodes counted, by account. */
export type Counts = ReadonlyMap<Account, number>;

/** A message and those at one node who ever wanted what its publisher sends. */
interface Sending {
  readonly publisher: PublisherRecord;
  readonly message: SentMessage;
  readonly seq: number;
  readonly consumers: readonly ConsumerRecord[];
}

/** A kind of loss: what may be said of its messages is the same. */
interface Losses extends Demand<Account> {
  readonly first: string;
}

/**
 * G1 and G6: what the sender saw accepted reaches everyone who wanted it throughout, or is counted with its reason. Both ways: for
 * each message that never came there is a count, and for each count a message that was lost, or of which the origin could not know
 * that it was not.
 */
export class LossJudge {
  readonly tally: LossTally = {
    arrived: 0,
    counted: 0,
    excused: Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, 0])) as Record<Cause, number>,
  };
  readonly #problems: Problem[] = [];
  /** What never came, and what may have been counted, each by the accounts that come into question. */
  readonly #owed = new Map<string, Losses>();
  readonly #possible = new Map<string, Losses>();

  constructor(
    private readonly ledger: Ledger,
    private readonly deliveries: Deliveries,
    private readonly oracle: Oracle,
    private readonly counts: Counts,
  ) {}

  judge(): readonly Problem[] {
    for (const publisher of this.ledger.publishers) {
      if (publisher.kind === 'queue') continue;
      if (publisher.kind === 'anycast') this.#anycast(publisher);
      else for (const consumers of this.#sites(publisher)) this.#fannedOut(publisher, consumers);
    }
    return [...told(this.#problems), ...told(this.#uncounted()), ...told(this.#invented())];
  }

  /** Those who ever wanted what it published, node by node. */
  #sites(publisher: PublisherRecord): Iterable<readonly ConsumerRecord[]> {
    const sites = new Map<string, ConsumerRecord[]>();
    for (const consumer of this.ledger.consumers) {
      if (!this.deliveries.wants(consumer, publisher)) continue;
      const site = sites.get(consumer.node);
      if (site === undefined) sites.set(consumer.node, [consumer]);
      else site.push(consumer);
    }
    return sites.values();
  }

  /** Of anycast the sender learns what became of each message: of what was counted, that it may have been consumed or not. */
  #anycast(publisher: PublisherRecord): void {
    const sites = [...this.#sites(publisher)];
    publisher.sent.forEach((message, seq) => {
      if (message.outcome !== null && message.outcome !== OUTCOME.modifiedFailed) return;
      const accounts = sites.flatMap((consumers) => this.oracle.mayLose(publisher, message, consumers, null));
      add(this.#possible, [...new Set(accounts)], publisher, seq);
    });
  }

  #fannedOut(publisher: PublisherRecord, consumers: readonly ConsumerRecord[]): void {
    publisher.sent.forEach((message, seq) => {
      const sending = { publisher, message, seq, consumers };
      const missing = consumers.filter((consumer) => this.deliveries.of(consumer, publisher, seq) === undefined);
      if (message.outcome === OUTCOME.accepted) {
        this.tally.arrived += consumers.length - missing.length;
        this.#owe(sending, missing);
      }
      this.#allow(sending, missing);
    });
  }

  /** An account of the publisher's node pays once for all consumers of a node, one of the consumers' node once for each. */
  #owe(sending: Sending, missing: readonly ConsumerRecord[]): void {
    const { publisher, message, seq } = sending;
    let onTheWay: readonly Account[] | null = null;
    for (const consumer of missing) {
      const passed = seq < this.deliveries.last(consumer, publisher);
      const missed = this.oracle.missed(publisher, message, consumer, passed);
      if (missed === null) continue;
      if ('cause' in missed) {
        this.tally.excused[missed.cause]++;
        continue;
      }
      const { dropped } = missed;
      // What another one there got was not lost on the way.
      const lost = this.#came(sending, consumer) ? [] : missed.lost;
      const accounts = [...lost, ...dropped];
      if (accounts.length === 0) this.#neverGot(sending, consumer);
      else this.tally.counted++;
      if (lost.length === 0) add(this.#owed, dropped, publisher, seq);
      else if (onTheWay === null || accounts.length < onTheWay.length) onTheWay = accounts;
    }
    if (onTheWay !== null) add(this.#owed, onTheWay, publisher, seq);
  }

  /** Another consumer in the same life of that node got it. */
  #came({ publisher, seq, consumers }: Sending, { life }: ConsumerRecord): boolean {
    return consumers.some((other) => other.life === life && this.deliveries.of(other, publisher, seq) !== undefined);
  }

  #neverGot({ publisher, message, seq }: Sending, consumer: ConsumerRecord): void {
    const what = nameOfMessage(publisher, seq);
    this.#problems.push(`G1: ${nameOfConsumer(consumer)} never got ${what}, sent at ${message.at} ms`);
  }

  #allow(sending: Sending, missing: readonly ConsumerRecord[]): void {
    const { publisher, message, seq, consumers } = sending;
    const lost = this.oracle.mayLose(publisher, message, consumers, this.#doneAt(sending));
    const dropped = missing.map((consumer) =>
      this.oracle.mayDrop(message, consumer, seq < this.deliveries.last(consumer, publisher)),
    );
    const [only] = dropped;
    if (consumers.length === 1 && only !== undefined) {
      add(this.#possible, [...lost, ...only], publisher, seq);
      return;
    }
    add(this.#possible, lost, publisher, seq);
    for (const accounts of dropped) add(this.#possible, accounts, publisher, seq);
  }

  /** When a node had done all that the origin waits for; null when it need not have. */
  #doneAt({ publisher, message, seq, consumers }: Sending): number | null {
    let done = -Infinity;
    for (const consumer of consumers) {
      const delivery = this.deliveries.of(consumer, publisher, seq);
      if (delivery === undefined) {
        // The outcome of all waits for one that has it in its lane still.
        const { openedAt, endedAt } = consumer;
        const waits = openedAt <= (message.answeredAt ?? Infinity) && (endedAt ?? Infinity) > message.at;
        if (publisher.kind !== 'topic' && waits) return null;
        continue;
      }
      const at = publisher.kind === 'topic' ? delivery.at : (delivery.settledAt ?? consumer.endedAt);
      done = Math.max(done, at ?? Infinity);
    }
    return Number.isFinite(done) ? done : null;
  }

  #uncounted(): Problem[] {
    const matching = new Matching(this.counts);
    const found: Problem[] = [];
    for (const losses of this.#owed.values()) {
      const open = matching.add(losses);
      if (open === 0) continue;
      const where = losses.accounts.map((account) => `${account}: ${this.counts.get(account) ?? 0}`).join('; ');
      found.push(
        `G1: of ${losses.count} messages that never came ${open} are not counted (${where}), e.g. ${losses.first}`,
      );
    }
    return found;
  }

  /** The other way round: each count asks for a message that may have been lost. */
  #invented(): Problem[] {
    const byAccount = new Map<Account, Losses[]>();
    for (const losses of this.#possible.values())
      for (const account of losses.accounts) {
        const all = byAccount.get(account);
        if (all === undefined) byAccount.set(account, [losses]);
        else all.push(losses);
      }
    const matching = new Matching(new Map([...this.#possible.values()].map((losses) => [losses, losses.count])));
    const found: Problem[] = [];
    for (const [account, count] of this.counts) {
      const open = matching.add({ accounts: byAccount.get(account) ?? [], count });
      if (open > 0) found.push(`G1: ${open} of ${count} messages counted as ${account} cannot have been lost so`);
    }
    return found;
  }
}

function add(into: Map<string, Losses>, accounts: readonly Account[], publisher: PublisherRecord, seq: number): void {
  if (accounts.length === 0) return;
  const key = accounts.join('|');
  const losses = into.get(key);
  if (losses !== undefined) losses.count++;
  else into.set(key, { accounts, count: 1, first: nameOfMessage(publisher, seq) });
}
