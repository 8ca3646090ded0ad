import type { Message } from '../message/message';
import { ANNOTATION } from './dead-letters';
import type { Known, TrialConsumer, TrialOptions, TrialTransaction } from './trial-client.fixture';

/** Where dead letters go. */
export const DEAD = 'dead';

/** What clients were told, and what follows from it for all that they are given. */
export class TrialModel {
  readonly messages = new Map<string, Known>();
  readonly transactions: TrialTransaction[] = [];
  life = 1;
  #orders = 0;
  /** What happened, for whoever has to find out why it went wrong. */
  readonly #log: string[] = [];

  constructor(
    private readonly seed: number,
    private readonly options: TrialOptions,
  ) {}

  note(what: string): void {
    this.#log.push(what);
  }

  fail(why: string): never {
    const [text = ' '] = /\bm\d+(@\w+)?\b/.exec(why) ?? [];
    const about = this.#log.filter((line) => line.startsWith('*') || `${line} `.includes(`${text} `));
    throw new Error(`seed ${this.seed}: ${why}\n${about.slice(-40).join('\n')}`);
  }

  nextOrder(): number {
    return ++this.#orders;
  }

  make(queue: string, order: number, sender: number, priority: number, isRouted: boolean): Known {
    const known: Known = {
      text: isRouted ? `m${order}@${queue}` : `m${order}`,
      queue,
      sender,
      order,
      priority,
      put: 'pending',
      end: 'none',
      livesDelivered: new Set(),
      failures: 0,
      failuresEver: 0,
      isInexact: false,
      mayBeDead: false,
      holder: null,
      remote: null,
      transaction: null,
    };
    this.messages.set(known.text, known);
    this.note(`${known.text} put to ${queue}`);
    return known;
  }

  /** What a message is that was delivered by a queue. */
  knownOf(message: Message, queue: string): Known {
    const text = message.body.kind === 'value' ? String(message.body.value) : (message.properties?.subject ?? '');
    const origin = message.messageAnnotations?.named(ANNOTATION.origin);
    const from = typeof origin === 'string' ? origin.replace('queue/', '') : queue;
    return this.messages.get(text) ?? this.messages.get(`${text}@${from}`) ?? this.fail(`'${text}' was never put`);
  }

  answered(known: Known, put: 'accepted' | 'rejected'): void {
    if (known.remote !== null && known.put !== 'pending' && known.put !== 'unknown' && known.put !== put)
      this.fail(`${known.text} was ${known.put} and is ${put} when it is asked again`);
    known.put = put;
    this.note(`${known.text} ${put}`);
  }

  back(known: Known, failed: boolean): void {
    known.holder = null;
    if (!failed) return;
    known.failures++;
    known.failuresEver++;
    if (known.failuresEver >= (this.options.policy.maxDeliveries ?? Number.POSITIVE_INFINITY)) known.mayBeDead = true;
  }

  delivered(consumer: TrialConsumer, token: number, message: Message): void {
    const count = message.header?.deliveryCount ?? 0;
    const known = this.knownOf(message, consumer.queue);
    const { text } = known;
    if (known.put === 'rejected') this.fail(`${text} was rejected, and is delivered`);
    if (known.queue !== consumer.queue && !(consumer.queue === DEAD && known.mayBeDead))
      this.fail(`${text} of ${known.queue} is delivered by ${consumer.queue}`);
    if (consumer.red && known.order % 3 !== 0) this.fail(`${text} is not selected`);
    if (consumer.browse) return;
    this.note(`${text} delivered by ${consumer.queue}, count ${count}`);
    this.#checkDelivery(consumer, known, count);
    known.livesDelivered.add(this.life);
    known.holder = consumer;
    consumer.held.set(token, known);
  }

  #checkDelivery(consumer: TrialConsumer, known: Known, count: number): void {
    const { text } = known;
    if (known.holder !== null) this.fail(`${text} is delivered to two`);
    if (known.end === 'certain') this.fail(`${text} was settled, and comes back`);
    // A transaction that is refused gives back at once what it has, and says so later.
    if (known.transaction?.state === 'committing' && known.end === 'asked') this.transactionFailed(known.transaction);
    if (known.end === 'asked' && known.livesDelivered.has(this.life))
      this.fail(`${text} was settled in this life, and comes back in it`);
    // What was perhaps settled before a crash was not.
    known.end = 'none';
    if (consumer.queue === DEAD) return;
    this.#checkCount(known, count);
    // A large one of another node that a crash has cut off comes again when later ones are there.
    if (known.livesDelivered.size > 0 || (this.life > 1 && known.remote?.isLarge === true)) return;
    // A commit waits until its large messages are stored, and the next one may not have to.
    if (known.transaction !== null && this.options.large) return;
    // A first delivery.
    const sender = known.remote === null ? known.sender : known.remote.to;
    const key = `${sender} ${known.priority} ${known.transaction !== null}`;
    if ((consumer.last.get(key) ?? 0) > known.order) this.fail(`${text} comes after a later one of its sender`);
    consumer.last.set(key, known.order);
  }

  #checkCount(known: Known, count: number): void {
    const { text } = known;
    const before = [...known.livesDelivered].some((life) => life < this.life);
    if (before && count === 0) this.fail(`${text} was delivered before a crash, and does not say so`);
    if (this.life === 1 && count !== known.failures && !known.isInexact)
      this.fail(`${text} says ${count} failures of ${known.failures}`);
  }

  transactionDone(transaction: TrialTransaction): void {
    if (transaction.state === 'failed') this.fail('a transaction is done of which something was given back');
    this.note(`* a transaction is done: ${namesOf(transaction)}`);
    transaction.state = 'done';
    for (const known of transaction.puts) known.put = 'accepted';
    for (const known of transaction.settled) known.end = 'certain';
  }

  transactionFailed(transaction: TrialTransaction): void {
    this.note(`* a transaction failed: ${namesOf(transaction)}`);
    transaction.state = 'failed';
    for (const known of transaction.puts) known.put = 'rejected';
    for (const known of transaction.settled) {
      known.end = 'none';
      this.back(known, true);
    }
  }

  crashed(): void {
    this.note('* crash');
    this.life++;
    for (const known of this.messages.values()) {
      known.holder = null;
      known.failures = 0;
      if (known.put === 'pending') known.put = 'unknown';
    }
    for (const transaction of this.transactions)
      if (transaction.state === 'committing') {
        transaction.state = 'unknown';
        for (const known of transaction.settled) known.mayBeDead = true;
      }
  }

  /** @param found what was there in the end, and where */
  checkFound(found: ReadonlyMap<string, string>): void {
    for (const known of this.messages.values()) {
      const isThere = found.has(known.text);
      if (known.put === 'accepted' && known.end === 'none' && !isThere && !this.#mayBeLost(known))
        this.fail(`${known.text} was accepted, and is lost`);
      if (known.end === 'certain' && isThere) this.fail(`${known.text} was settled, and is there`);
      if (known.put === 'pending') this.fail(`${known.text} has no outcome`);
    }
    // What was put may have been dropped.
    if (this.options.policy.overLimit === 'dropOldest') return;
    for (const transaction of this.transactions) this.#checkTransaction(transaction, found);
  }

  /** Dropped to make room, or because the queue was full when it came by an intake from another node. */
  #mayBeLost({ text, remote }: Known): boolean {
    const { overLimit, maxDepth } = this.options.policy;
    return overLimit === 'dropOldest' || (typeof maxDepth === 'number' && remote !== null && text.includes('@'));
  }

  #checkTransaction({ puts, settled, state }: TrialTransaction, found: ReadonlyMap<string, string>): void {
    if (state === 'committing') this.fail('a transaction has no outcome');
    if (state !== 'unknown') return;
    const came = puts.map((known) => known.livesDelivered.size > 0 || found.has(known.text));
    if (new Set(came).size > 1) this.fail(`a transaction was done in part: ${puts.map(({ text }) => text).join()}`);
    const back = settled.some(({ text }) => found.has(text));
    if (back && came[0] === true) this.fail(`a transaction put ${puts[0]?.text} and did not take ${settled[0]?.text}`);
  }
}

function namesOf({ puts, settled }: TrialTransaction): string {
  return [...puts, ...settled].map(({ text }) => text).join();
}
