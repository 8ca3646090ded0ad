import { SeededRandom } from '../common/ports';
import type { Message } from '../message/message';
import { OUTCOME, type Outcome } from '../streams/contract';
import type { PutSink, Queue } from './contract';
import { CONSUMER, Home, MemoryBody, PLAIN } from './queues.fixture';
import { SPACE } from './spaces';
import { type Known, type RemotePut, TrialConsumer, type TrialOptions } from './trial-client.fixture';
import { ALL, QUEUES, TrialMessages } from './trial-messages.fixture';
import { DEAD, TrialModel } from './trial-model.fixture';
import { TrialTransactions } from './trial-transactions.fixture';

export type { TrialOptions } from './trial-client.fixture';

const INTAKE = '$durable/here';
/** Nothing of these may be left in the end. */
const EMPTY = [
  SPACE.messages,
  SPACE.delayed,
  SPACE.dead,
  SPACE.segments,
  SPACE.garbage,
  SPACE.payloads,
  SPACE.holders,
  SPACE.bodyHolders,
];

/**
 * Random clients, a disk that is slow and fails, and crashes at any moment, against what each client was told: what was accepted is not
 * lost, what was settled does not come back, what was delivered before says so, and senders' orders are kept.
 */
export class Trial implements PutSink {
  readonly home: Home;
  readonly #model: TrialModel;
  readonly #random: SeededRandom;
  readonly #messages: TrialMessages;
  readonly #transactions: TrialTransactions;
  readonly #byToken = new Map<number, readonly Known[]>();
  #consumers: TrialConsumer[] = [];
  #tokens = 0;
  #remoteSeq = 0;
  /** Puts of the other node that have no answer, in order. */
  #outstanding: RemotePut[] = [];

  constructor(
    seed: number,
    private readonly options: TrialOptions,
  ) {
    this.#random = new SeededRandom(seed);
    this.#model = new TrialModel(seed, options);
    this.#messages = new TrialMessages(this.#random, this.#model, options);
    this.home = new Home({ early: options.early, lying: options.lying ?? false }, options.window);
    this.#transactions = new TrialTransactions(this.#random, this.#model, this.#messages, (name) => this.#queue(name));
    this.#open();
  }

  #open(): void {
    const { host } = this.home;
    for (const name of ALL) host.open(name, { ...PLAIN, deadLetter: `queue/${DEAD}`, ...this.options.policy });
    host.open(DEAD, PLAIN);
    host.intake(INTAKE, (topic) => topic.split('.').map((name) => this.#queue(name)));
  }

  #queue(name: string): Queue {
    const queue = this.home.host.find(name);
    if (queue === null) throw new Error(`no queue ${name}`);
    return queue;
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step();
    this.#finish();
  }

  #step(): void {
    const dice = this.#random.below(100);
    if (dice < 20) this.#put();
    else if (dice < 28) this.#putRouted();
    else if (dice < 34) this.#putRemote();
    else if (dice < 38) this.#attach();
    else if (dice < 40) this.#detach();
    else if (dice < 48) this.#credit();
    else if (dice < 68) this.#settle();
    else if (dice < 72) this.#transactions.run(this.home.host.transaction(), this.#consumers, INTAKE);
    else if (dice < 82) this.#flush();
    else if (dice < 91) this.#write();
    else if (dice < 94) this.#tick();
    else if (dice < 96) this.#failGroups();
    else if (dice < 97) this.#toggleState();
    else if (dice < 99) this.#tick();
    else this.#crash();
  }

  #flush(): void {
    this.#model.note('* flush');
    this.home.host.flush();
  }

  #write(): void {
    this.#model.note('* a group is done');
    this.home.store.step(1);
  }

  #failGroups(): void {
    this.#model.note('* groups fail');
    this.home.store.fail();
  }

  #tick(): void {
    this.home.wall += this.#random.below(3_000);
    this.home.host.tick(this.home.wall);
  }

  #toggleState(): void {
    const states = ['ok', 'ok', 'full', 'failed'] as const;
    const state = states[this.#random.below(4)] ?? 'ok';
    this.#model.note(`* store is ${state}`);
    this.home.store.setState(state);
  }

  // Puts.

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)] as T;
  }

  #put(): void {
    const known = this.#messages.make(this.#oneOf(QUEUES));
    const token = this.#token([known]);
    const queue = this.#queue(known.queue);
    if (this.#messages.isLarge) {
      queue.putLarge(new MemoryBody(this.#messages.encodeLarge(known)), known.sender, null, 0, this, token);
      return;
    }
    const bytes = this.#messages.encode(known);
    queue.put(bytes, 0, bytes.length, known.sender, null, 0, this, token);
  }

  /** A message for some subscriptions, from a client here or from another node. */
  #putRouted(): void {
    const message = this.#messages.routed();
    if (message === null) return;
    const { knowns, sender, bytes, isLarge } = message;
    if (this.#random.chance(0.5)) this.#putFromAway({ to: INTAKE, bytes, isLarge, knowns });
    else if (isLarge) this.#queue(INTAKE).putLarge(new MemoryBody(bytes), sender, null, 0, this, this.#token(knowns));
    else this.#queue(INTAKE).put(bytes, 0, bytes.length, sender, null, 0, this, this.#token(knowns));
  }

  #token(knowns: readonly Known[]): number {
    const token = this.#tokens++;
    this.#byToken.set(token, knowns);
    return token;
  }

  /** Puts of another node to the first queue, or again what it has put and has no answer to. */
  #putRemote(): void {
    if (this.#random.chance(0.2)) {
      for (const put of [...this.#outstanding]) this.#sendRemote(put);
      return;
    }
    const known = this.#messages.make('one');
    this.#putFromAway({ to: 'one', bytes: this.#messages.encode(known), isLarge: false, knowns: [known] });
  }

  #putFromAway(parts: Omit<RemotePut, 'seq'>): void {
    const put = { ...parts, seq: ++this.#remoteSeq };
    for (const known of put.knowns) known.remote = put;
    this.#outstanding.push(put);
    this.#sendRemote(put);
  }

  #sendRemote({ to, seq, bytes, isLarge, knowns }: RemotePut): void {
    const queue = this.#queue(to);
    const mark = queue.mark('west', 5);
    const token = this.#token(knowns);
    if (isLarge) queue.putLarge(new MemoryBody(bytes), 99, mark, seq, this, token);
    else queue.put(bytes, 0, bytes.length, 99, mark, seq, this, token);
  }

  onPut(token: number, outcome: Outcome): void {
    const knowns = this.#byToken.get(token);
    if (knowns === undefined) return;
    this.#byToken.delete(token);
    for (const known of knowns) this.#model.answered(known, outcome === OUTCOME.accepted ? 'accepted' : 'rejected');
    this.#outstanding = this.#outstanding.filter((other) => other.knowns !== knowns);
  }

  // Consumers.

  #attach(): void {
    if (this.#consumers.length >= 10) return;
    const queue = this.#random.chance(0.1) ? DEAD : this.#oneOf(ALL);
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
      this.#model.note(`${known.text} given back${failed ? ' as failed' : ''}`);
      this.#model.back(known, failed);
    }
    consumer.held.clear();
    consumer.link.close(failed);
  }

  #credit(): void {
    const consumer = this.#pick();
    if (consumer === undefined) return;
    consumer.credits += this.#random.below(5);
    consumer.link.pump();
  }

  delivered(consumer: TrialConsumer, token: number, message: Message): void {
    this.#model.delivered(consumer, token, message);
  }

  #settle(): void {
    const consumer = this.#pick();
    const found = consumer?.takeHeld(this.#random);
    if (consumer === undefined || found === undefined) return;
    const [token, known] = found;
    const confirm = this.#random.chance(0.5);
    const dice = this.#random.below(100);
    const failed = dice < 90 ? OUTCOME.modifiedFailed : OUTCOME.rejected;
    const outcome = dice < 65 ? OUTCOME.accepted : dice < 75 ? OUTCOME.released : failed;
    this.#settleOne(consumer, token, known, outcome, confirm);
  }

  #settleOne(consumer: TrialConsumer, token: number, known: Known, outcome: Outcome, confirm: boolean): void {
    this.#model.note(`${known.text} settled with ${outcome}${confirm ? ', to be confirmed' : ''}`);
    if (outcome === OUTCOME.accepted) {
      known.end = 'asked';
      known.holder = null;
      if (confirm) consumer.confirming.set(token, known);
    } else {
      this.#model.back(known, outcome === OUTCOME.modifiedFailed);
      if (outcome === OUTCOME.rejected) known.mayBeDead = true;
      // In the queue of dead letters nothing more is dead.
      if (outcome === OUTCOME.rejected && consumer.queue === DEAD) known.end = 'asked';
    }
    consumer.link.settle(token, outcome, null, confirm);
  }

  // Crashes.

  #crash(): void {
    this.home.crash(this.#random.below(3));
    this.#model.crashed();
    this.#consumers = [];
    this.#byToken.clear();
    this.#open();
    // What had no answer is sent again, in its order and before anything newer.
    for (const put of [...this.#outstanding]) this.#sendRemote(put);
  }

  // The end.

  #finish(): void {
    this.#model.note('* the end');
    this.home.store.setState('ok');
    this.home.settle();
    while (this.#consumers.length > 0) this.#detach();
    for (let rounds = 0; rounds < 5; rounds++) this.home.pass(20_000);
    const found = new Map<string, string>();
    for (const name of [...ALL, DEAD]) this.#drain(name, found);
    this.home.settle();
    this.#model.checkFound(found);
    this.#checkEmpty();
  }

  #drain(name: string, found: Map<string, string>): void {
    const consumer = this.#consume(name, false, false, Number.MAX_SAFE_INTEGER);
    this.home.settle();
    while (consumer.held.size > 0) {
      for (const [token, known] of [...consumer.held]) {
        if (found.has(known.text)) this.#model.fail(`${known.text} is in ${found.get(known.text)} and in ${name}`);
        found.set(known.text, name);
        consumer.held.delete(token);
        consumer.link.settle(token, OUTCOME.accepted, null, false);
      }
      this.home.pass(2_000);
    }
    consumer.link.close(false);
  }

  #checkEmpty(): void {
    for (const view of this.home.host.views()) {
      const { depth, bytes, ready, acquired, delayed } = view;
      if (depth !== 0 || bytes !== 0 || ready !== 0 || acquired !== 0 || delayed !== 0)
        this.#model.fail(`${view.name} is empty, and says ${JSON.stringify(view)}`);
    }
    for (const space of EMPTY)
      for (let queue = 0; queue < 10; queue++) {
        const keys = this.home.store.keys(space, queue);
        if (keys.length > 0) this.#model.fail(`space ${space} of queue ${queue} still has ${keys.join()}`);
      }
  }
}
