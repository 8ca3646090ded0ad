import { AmqpMap } from '../amqp/codec/values';
import { SeededRandom } from '../common/ports';
import { OUTCOME, type LargeBody, type Outcome } from '../streams/contract';
import type { PutSink, Queue, QueueConsumer, QueuePolicy, QueueSink } from './contract';
import { bytesOf, CONSUMER, Home, largeOf, messageOf, PLAIN } from './queues.fixture';
import { decodeMessage } from '../message/decode-message';
import type { Message } from '../message/message';

/** What is known of a message; every message has a text of its own. */
interface Known {
  readonly text: string;
  readonly queue: string;
  readonly sender: number;
  readonly order: number;
  readonly priority: number;
  put: 'pending' | 'accepted' | 'rejected' | 'unknown';
  /** Settled so that it must not come back, or perhaps so. */
  end: 'none' | 'asked' | 'certain';
  /** Lives in which it was delivered. */
  readonly livesDelivered: Set<number>;
  /** Failed deliveries that were told in this life. */
  failures: number;
  /** The same in all lives. */
  failuresEver: number;
  /** It was dropped or moved by a rule: it may be among the dead letters. */
  mayBeDead: boolean;
  holder: TrialConsumer | null;
  remote: { readonly seq: number } | null;
  transaction: TrialTransaction | null;
}

interface TrialTransaction {
  readonly puts: Known[];
  readonly settled: Known[];
  state: 'open' | 'committing' | 'done' | 'failed' | 'unknown';
  life: number;
}

const QUEUES = ['one', 'two'] as const;
const DEAD = 'dead';
const SENDERS = 3;

/** A client of the trial: remembers what it has, and checks what it is given. */
class TrialConsumer implements QueueSink {
  credits: number;
  isGone = false;
  readonly held = new Map<number, Known>();
  readonly confirming = new Map<number, Known>();
  /** The last first delivery, by sender and priority. */
  readonly last = new Map<string, number>();
  link!: QueueConsumer;

  constructor(
    private readonly trial: Trial,
    readonly queue: string,
    readonly browse: boolean,
    readonly red: boolean,
    credits: number,
  ) {
    this.credits = credits;
  }

  credit(): number {
    return this.credits;
  }

  deliver(token: number, payload: Buffer, start: number, end: number): void {
    this.credits--;
    this.trial.delivered(this, token, decodeMessage(Buffer.from(payload.subarray(start, end))));
  }

  deliverLarge(token: number, body: LargeBody): void {
    this.credits--;
    this.trial.delivered(this, token, decodeMessage(bytesOf(body)));
  }

  onSettled(token: number): void {
    const known = this.confirming.get(token);
    this.confirming.delete(token);
    if (known !== undefined && known.end === 'asked') known.end = 'certain';
  }

  onGone(): void {
    this.isGone = true;
  }
}

export interface TrialOptions {
  readonly early: boolean;
  readonly large: boolean;
  /** How many messages of a lane wait in memory. */
  readonly window: number;
  readonly lying?: boolean;
  readonly policy: Partial<QueuePolicy>;
}

/**
 * Random clients, a disk that is slow and fails, and crashes at any moment, against what each client was told: what was accepted is not
 * lost, what was settled does not come back, what was delivered before says so, and senders' orders are kept.
 */
export class Trial implements PutSink {
  readonly home: Home;
  readonly #random: SeededRandom;
  readonly #messages = new Map<string, Known>();
  readonly #byToken = new Map<number, Known>();
  #consumers: TrialConsumer[] = [];
  #transactions: TrialTransaction[] = [];
  #orders = 0;
  #tokens = 0;
  #life = 1;
  #remoteSeq = 0;
  /** Puts of the other node that have no answer, in order. */
  #outstanding: Known[] = [];

  constructor(
    readonly seed: number,
    private readonly options: TrialOptions,
  ) {
    this.#random = new SeededRandom(seed);
    this.home = new Home({ early: options.early, lying: options.lying ?? false }, options.window);
    this.#open();
  }

  #open(): void {
    for (const name of QUEUES)
      this.home.host.open(name, { ...PLAIN, deadLetter: `queue/${DEAD}`, ...this.options.policy });
    this.home.host.open(DEAD, PLAIN);
  }

  #queue(name: string): Queue {
    const queue = this.home.host.find(name);
    if (queue === null) throw new Error(`no queue ${name}`);
    return queue;
  }

  /** What happened, for whoever has to find out why it went wrong. */
  readonly #log: string[] = [];

  #note(what: string): void {
    this.#log.push(what);
  }

  fail(why: string): never {
    const [text = ' '] = /\bm\d+\b/.exec(why) ?? [];
    const about = this.#log.filter((line) => line.startsWith('*') || `${line} `.includes(`${text} `));
    throw new Error(`seed ${this.seed}: ${why}\n${about.slice(-40).join('\n')}`);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step();
    this.#finish();
  }

  #step(): void {
    const dice = this.#random.below(100);
    if (dice < 28) this.#put();
    else if (dice < 34) this.#putRemote();
    else if (dice < 38) this.#attach();
    else if (dice < 40) this.#detach();
    else if (dice < 48) this.#credit();
    else if (dice < 68) this.#settle();
    else if (dice < 72) this.#transact();
    else if (dice < 82) this.#flush();
    else if (dice < 91) this.#write();
    else if (dice < 94) this.#tick();
    else if (dice < 96) this.#failGroups();
    else if (dice < 97) this.#toggleState();
    else if (dice < 99) this.#tick();
    else this.#crash();
  }

  #flush(): void {
    this.#note('* flush');
    this.home.host.flush();
  }

  #write(): void {
    this.#note('* a group is done');
    this.home.store.step(1);
  }

  #failGroups(): void {
    this.#note('* groups fail');
    this.home.store.fail();
  }

  #tick(): void {
    this.home.wall += this.#random.below(3_000);
    this.home.host.tick(this.home.wall);
  }

  #toggleState(): void {
    const states = ['ok', 'ok', 'full', 'failed'] as const;
    const state = states[this.#random.below(4)] ?? 'ok';
    this.#note(`* store is ${state}`);
    this.home.store.setState(state);
  }

  // Puts.

  #make(queue: string): Known {
    const order = ++this.#orders;
    const sender = 1 + this.#random.below(SENDERS);
    const known: Known = {
      text: `m${order}`,
      queue,
      sender,
      order,
      priority: this.#random.chance(0.2) ? 7 : 4,
      put: 'pending',
      end: 'none',
      livesDelivered: new Set(),
      failures: 0,
      failuresEver: 0,
      mayBeDead: false,
      holder: null,
      remote: null,
      transaction: null,
    };
    this.#messages.set(known.text, known);
    this.#note(`${known.text} put to ${queue}`);
    return known;
  }

  #encode(known: Known): Buffer {
    const red = known.order % 3 === 0 ? 'red' : 'blue';
    return messageOf(known.text, {
      header: { durable: true, priority: known.priority },
      application: new AmqpMap([['colour', red]]),
    });
  }

  #put(): void {
    const known = this.#make(QUEUES[this.#random.below(2)] ?? 'one');
    const token = this.#token(known);
    if (this.options.large && this.#random.chance(0.2)) {
      const body = largeOf('x', 40_000 + this.#random.below(100_000), {
        header: { priority: known.priority },
        properties: { subject: known.text },
      });
      this.#queue(known.queue).putLarge(body, known.sender, null, 0, this, token);
      return;
    }
    const bytes = this.#encode(known);
    this.#queue(known.queue).put(bytes, 0, bytes.length, known.sender, null, 0, this, token);
  }

  #token(known: Known): number {
    const token = this.#tokens++;
    this.#byToken.set(token, known);
    return token;
  }

  /** Puts of another node to the first queue, under one numbering. */
  #putRemote(): void {
    const again = this.#random.chance(0.2) ? this.#outstanding[0] : undefined;
    if (again === undefined) {
      const known = this.#make('one');
      known.remote = { seq: ++this.#remoteSeq };
      this.#outstanding.push(known);
      this.#sendRemote(known);
    } else for (const known of this.#outstanding) this.#sendRemote(known);
  }

  #sendRemote(known: Known): void {
    const queue = this.#queue('one');
    const bytes = this.#encode(known);
    queue.put(bytes, 0, bytes.length, 99, queue.mark('west', 5), known.remote?.seq ?? 0, this, this.#token(known));
  }

  onPut(token: number, outcome: Outcome): void {
    const known = this.#byToken.get(token);
    if (known === undefined) return;
    this.#byToken.delete(token);
    const put = outcome === OUTCOME.accepted ? 'accepted' : 'rejected';
    if (known.remote !== null && known.put !== 'pending' && known.put !== 'unknown' && known.put !== put)
      this.fail(`${known.text} was ${known.put} and is ${put} when it is asked again`);
    known.put = put;
    this.#note(`${known.text} ${put}`);
    this.#outstanding = this.#outstanding.filter((other) => other !== known);
  }

  // Consumers.

  #attach(): void {
    if (this.#consumers.length >= 6) return;
    const queue = this.#random.chance(0.1) ? DEAD : (QUEUES[this.#random.below(2)] ?? 'one');
    const browse = this.#random.chance(0.15);
    const red = this.#random.chance(0.25);
    this.#consume(queue, browse, red, this.#random.below(6));
  }

  #consume(queue: string, browse: boolean, red: boolean, credits: number): TrialConsumer {
    const consumer = new TrialConsumer(this, queue, browse, red, credits);
    const selector = red ? "colour = 'red'" : null;
    consumer.link = this.#queue(queue).consume({ ...CONSUMER, browse, selector }, consumer);
    this.#consumers.push(consumer);
    consumer.link.pump();
    return consumer;
  }

  #pick(): TrialConsumer | undefined {
    return this.#consumers[this.#random.below(Math.max(1, this.#consumers.length))];
  }

  #detach(): void {
    const consumer = this.#pick();
    if (consumer === undefined) return;
    const failed = this.#random.chance(0.5);
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
    for (const known of consumer.held.values()) {
      this.#note(`${known.text} given back${failed ? ' as failed' : ''}`);
      this.#back(known, failed);
    }
    consumer.held.clear();
    consumer.link.close(failed);
  }

  #back(known: Known, failed: boolean): void {
    known.holder = null;
    if (!failed) return;
    known.failures++;
    known.failuresEver++;
    if (known.failuresEver >= (this.options.policy.maxDeliveries ?? Number.POSITIVE_INFINITY)) known.mayBeDead = true;
  }

  #credit(): void {
    const consumer = this.#pick();
    if (consumer === undefined) return;
    consumer.credits += this.#random.below(5);
    consumer.link.pump();
  }

  delivered(consumer: TrialConsumer, token: number, message: Message): void {
    const text = message.body.kind === 'value' ? String(message.body.value) : (message.properties?.subject ?? '');
    const count = message.header?.deliveryCount ?? 0;
    const known = this.#messages.get(text);
    if (known === undefined) this.fail(`'${text}' was never put`);
    if (known.put === 'rejected') this.fail(`${text} was rejected, and is delivered`);
    if (known.queue !== consumer.queue && !(consumer.queue === DEAD && known.mayBeDead))
      this.fail(`${text} of ${known.queue} is delivered by ${consumer.queue}`);
    if (consumer.red && known.order % 3 !== 0) this.fail(`${text} is not selected`);
    if (consumer.browse) return;
    this.#note(`${text} delivered by ${consumer.queue}, count ${count}`);
    this.#checkDelivery(consumer, known, count);
    known.livesDelivered.add(this.#life);
    known.holder = consumer;
    consumer.held.set(token, known);
  }

  #checkDelivery(consumer: TrialConsumer, known: Known, count: number): void {
    const { text } = known;
    if (known.holder !== null) this.fail(`${text} is delivered to two`);
    if (known.end === 'certain') this.fail(`${text} was settled, and comes back`);
    // A transaction that is refused gives back at once what it has, and says so later.
    if (known.transaction?.state === 'committing' && known.end === 'asked') this.#transactionFailed(known.transaction);
    if (known.end === 'asked' && known.livesDelivered.has(this.#life))
      this.fail(`${text} was settled in this life, and comes back in it`);
    // What was perhaps settled before a crash was not.
    known.end = 'none';
    if (consumer.queue === DEAD) return;
    const before = [...known.livesDelivered].some((life) => life < this.#life);
    if (before && count === 0) this.fail(`${text} was delivered before a crash, and does not say so`);
    if (this.#life === 1 && count !== known.failures) this.fail(`${text} says ${count} failures of ${known.failures}`);
    if (known.livesDelivered.size > 0) return;
    // A first delivery.
    const key = `${known.remote === null ? known.sender : 'west'} ${known.priority} ${known.transaction !== null}`;
    if ((consumer.last.get(key) ?? 0) > known.order) this.fail(`${text} comes after a later one of its sender`);
    consumer.last.set(key, known.order);
  }

  #takeHeld(consumer: TrialConsumer): [number, Known] | undefined {
    const held = [...consumer.held];
    const found = held[this.#random.below(Math.max(1, held.length))];
    if (found !== undefined) consumer.held.delete(found[0]);
    return found;
  }

  #settle(): void {
    const consumer = this.#pick();
    const found = consumer === undefined ? undefined : this.#takeHeld(consumer);
    if (consumer === undefined || found === undefined) return;
    const [token, known] = found;
    const confirm = this.#random.chance(0.5);
    const dice = this.#random.below(100);
    const outcome =
      dice < 65
        ? OUTCOME.accepted
        : dice < 75
          ? OUTCOME.released
          : dice < 90
            ? OUTCOME.modifiedFailed
            : OUTCOME.rejected;
    this.#settleOne(consumer, token, known, outcome, confirm);
  }

  #settleOne(consumer: TrialConsumer, token: number, known: Known, outcome: Outcome, confirm: boolean): void {
    this.#note(`${known.text} settled with ${outcome}${confirm ? ', to be confirmed' : ''}`);
    if (outcome === OUTCOME.accepted) {
      known.end = 'asked';
      known.holder = null;
      if (confirm) consumer.confirming.set(token, known);
    } else {
      this.#back(known, outcome === OUTCOME.modifiedFailed);
      if (outcome === OUTCOME.rejected) known.mayBeDead = true;
      // In the queue of dead letters nothing more is dead.
      if (outcome === OUTCOME.rejected && consumer.queue === DEAD) known.end = 'asked';
    }
    consumer.link.settle(token, outcome, null, confirm);
  }

  // Transactions.

  #transact(): void {
    const consumer = this.#consumers.find(({ held, browse, queue }) => held.size > 0 && !browse && queue !== DEAD);
    const found = consumer === undefined ? undefined : this.#takeHeld(consumer);
    const transaction: TrialTransaction = { puts: [], settled: [], state: 'committing', life: this.#life };
    const unit = this.home.host.transaction();
    if (consumer !== undefined && found !== undefined) {
      const [token, known] = found;
      known.holder = null;
      known.end = 'asked';
      known.transaction = transaction;
      this.#note(`${known.text} settled in a transaction`);
      transaction.settled.push(known);
      unit.settle(consumer.link, token, OUTCOME.accepted, null);
    }
    for (let puts = 1 + this.#random.below(2); puts > 0; puts--) {
      const known = this.#make(QUEUES[this.#random.below(2)] ?? 'one');
      known.transaction = transaction;
      transaction.puts.push(known);
      const bytes = this.#encode(known);
      unit.put(this.#queue(known.queue), bytes, 0, bytes.length, known.sender);
    }
    this.#transactions.push(transaction);
    if (this.#random.chance(0.2)) {
      // Before it is given back: it may be delivered within the call.
      this.#transactionFailed(transaction);
      unit.rollback();
      return;
    }
    unit.commit((error) => {
      if (transaction.life !== this.#life) return;
      if (error !== null) {
        if (transaction.state === 'committing') this.#transactionFailed(transaction);
        return;
      }
      if (transaction.state === 'failed') this.fail('a transaction is done of which something was given back');
      this.#note(
        `* a transaction is done: ${[...transaction.puts, ...transaction.settled].map(({ text }) => text).join()}`,
      );
      transaction.state = 'done';
      for (const known of transaction.puts) known.put = 'accepted';
      for (const known of transaction.settled) known.end = 'certain';
    });
  }

  #transactionFailed(transaction: TrialTransaction): void {
    this.#note(
      `* a transaction failed: ${[...transaction.puts, ...transaction.settled].map(({ text }) => text).join()}`,
    );
    transaction.state = 'failed';
    for (const known of transaction.puts) known.put = 'rejected';
    for (const known of transaction.settled) {
      known.end = 'none';
      this.#back(known, true);
    }
  }

  // Crashes.

  #crash(): void {
    this.#note('* crash');
    this.home.crash(this.#random.below(3));
    this.#life++;
    this.#consumers = [];
    this.#byToken.clear();
    for (const known of this.#messages.values()) {
      known.holder = null;
      known.failures = 0;
      if (known.put === 'pending') known.put = 'unknown';
    }
    for (const transaction of this.#transactions)
      if (transaction.state === 'committing') {
        transaction.state = 'unknown';
        for (const known of transaction.settled) known.mayBeDead = true;
      }
    this.#open();
    // What had no answer is sent again, in its order and before anything newer.
    for (const known of this.#outstanding) this.#sendRemote(known);
  }

  // The end.

  #finish(): void {
    this.#note('* the end');
    this.home.store.setState('ok');
    this.home.settle();
    while (this.#consumers.length > 0) this.#detach();
    for (let rounds = 0; rounds < 5; rounds++) this.home.pass(20_000);
    const found = new Map<string, string>();
    for (const name of [...QUEUES, DEAD]) {
      const consumer = this.#consume(name, false, false, Number.MAX_SAFE_INTEGER);
      this.home.settle();
      while (consumer.held.size > 0) {
        for (const [token, known] of [...consumer.held]) {
          if (found.has(known.text)) this.fail(`${known.text} is in ${found.get(known.text)} and in ${name}`);
          found.set(known.text, name);
          consumer.held.delete(token);
          consumer.link.settle(token, OUTCOME.accepted, null, false);
        }
        this.home.pass(2_000);
      }
      consumer.link.close(false);
    }
    this.home.settle();
    this.#checkFound(found);
    this.#checkEmpty();
  }

  #checkFound(found: ReadonlyMap<string, string>): void {
    for (const known of this.#messages.values()) {
      const isThere = found.has(known.text);
      if (
        known.put === 'accepted' &&
        known.end === 'none' &&
        !isThere &&
        this.options.policy.overLimit !== 'dropOldest'
      )
        this.fail(`${known.text} was accepted, and is lost`);
      if (known.end === 'certain' && isThere) this.fail(`${known.text} was settled, and is there`);
      if (known.put === 'pending') this.fail(`${known.text} has no outcome`);
    }
    // What was put may have been dropped.
    if (this.options.policy.overLimit === 'dropOldest') return;
    for (const transaction of this.#transactions) this.#checkTransaction(transaction, found);
  }

  #checkTransaction({ puts, settled, state }: TrialTransaction, found: ReadonlyMap<string, string>): void {
    if (state === 'committing') this.fail('a transaction has no outcome');
    if (state !== 'unknown') return;
    const came = puts.map((known) => known.livesDelivered.size > 0 || found.has(known.text));
    if (new Set(came).size > 1) this.fail(`a transaction was done in part: ${puts.map(({ text }) => text).join()}`);
    const back = settled.some(({ text }) => found.has(text));
    if (back && came[0] === true) this.fail(`a transaction put ${puts[0]?.text} and did not take ${settled[0]?.text}`);
  }

  #checkEmpty(): void {
    for (const view of this.home.host.views()) {
      const { depth, bytes, ready, acquired, delayed } = view;
      if (depth !== 0 || bytes !== 0 || ready !== 0 || acquired !== 0 || delayed !== 0)
        this.fail(`${view.name} is empty, and says ${JSON.stringify(view)}`);
    }
    for (const space of [3, 4, 5, 6, 7])
      for (let queue = 0; queue < 5; queue++) {
        const keys = this.home.store.keys(space, queue);
        if (keys.length > 0) this.fail(`space ${space} of queue ${queue} still has ${keys.join()}`);
      }
  }
}
