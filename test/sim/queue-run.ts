import type { Consumer, Publisher } from '../../src/addresses/contract';
import { PENDING } from '../../src/addresses/contract';
import { SeededRandom } from '../../src/common/ports';
import { OUTCOME, type Outcome } from '../../src/streams/contract';
import { simMesh, type SimMesh } from './address-meshes';
import { decodeText, encodeText } from './queue-messages';
import { rule, type VirtualNode } from './virtual-mesh';

const SHAPES = [
  ['a-b', 'b-c'],
  ['a-b', 'b-c', 'a-c'],
  ['a-b', 'b-c', 'c-d', 'a-d'],
  ['a-b', 'a-c', 'a-d'],
] as const;
const QUEUES = ['jobs.x', 'jobs.y'] as const;
const HOLD_MS = 4_000;
const FAULTS_MS = 20_000;
const STEP_MS = 20;
const DRAIN_STEPS = 300;

/** What became of one message, as its clients saw it. */
interface Fate {
  readonly queue: string;
  readonly publisher: number;
  readonly n: number;
  /** The outcome that its sender was told; undefined when its node died before that. */
  outcome: Outcome | undefined;
  deliveries: number;
  /** It was delivered, and again without a mark. */
  unmarked: number;
  /** A consumer has accepted it, and was told that this is on the disk. */
  settled: boolean;
  /** It was delivered after that. */
  back: number;
}

/** Publishers and consumers of two queues under random faults, and what they saw. */
export class QueueRun {
  readonly fates = new Map<string, Fate>();
  readonly problems: string[] = [];
  kills = 0;
  cuts = 0;
  redelivered = 0;
  ended = 0;
  readonly #random: SeededRandom;
  readonly #mesh: SimMesh;
  readonly #names: readonly string[];
  readonly #publishers = new Set<RunPublisher>();
  readonly #consumers = new Set<RunConsumer>();
  #published = 0;

  constructor(
    readonly seed: number,
    custody: 'home' | 'ingress',
  ) {
    this.#random = new SeededRandom(seed);
    const shape = SHAPES[this.#random.below(SHAPES.length)] ?? SHAPES[0];
    this.#names = [...new Set(shape.flatMap((wire) => wire.split('-')))].sort();
    const home = this.#pick(this.#names);
    const shared = [rule('jobs.#', 'queue', { home, custody, maxDeliveries: null })];
    this.#mesh = simMesh(shape, { shared, seed, limits: { partitionHoldMs: HOLD_MS, startHoldMs: 1_000 } });
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T;
  }

  #living(): VirtualNode[] {
    return this.#mesh.mesh.nodes.filter(({ alive }) => alive);
  }

  /** Runs it all, and judges. */
  run(): this {
    const { time } = this.#mesh;
    const end = time.now + FAULTS_MS;
    while (time.now < end) {
      this.#step();
      this.#mesh.run(STEP_MS);
    }
    this.#heal();
    this.#drain();
    this.#judge();
    return this;
  }

  #step(): void {
    const random = this.#random;
    const living = this.#living();
    if (living.length > 0) {
      if (this.#publishers.size < 4) this.#publish(this.#pick(living));
      if (this.#consumers.size < 4 && random.chance(0.2)) this.#consume(this.#pick(living), this.#pick(QUEUES));
    }
    for (const publisher of this.#publishers) publisher.send(random.below(4));
    for (const consumer of this.#consumers) {
      consumer.settleSome(random.below(4));
      if (random.chance(0.01)) consumer.close(random.chance(0.5));
    }
    if (random.chance(0.01)) this.#killOne();
    if (random.chance(0.02)) this.#cutOne();
    if (random.chance(0.005) && living.length > 0) this.#pick(living).stall(100 + random.below(3_000));
  }

  #publish(node: VirtualNode): void {
    const publisher = new RunPublisher(this, node, this.#pick(QUEUES), ++this.#published);
    this.#publishers.add(publisher);
  }

  #consume(node: VirtualNode, queue: string, credit = 1 + this.#random.below(20)): RunConsumer {
    const consumer = new RunConsumer(this, node, queue, credit, (gone) => void this.#consumers.delete(gone));
    this.#consumers.add(consumer);
    return consumer;
  }

  #killOne(): void {
    const living = this.#living();
    if (living.length === 0) return;
    const node = this.#pick(living);
    this.kills++;
    node.kill();
    for (const publisher of this.#publishers) if (publisher.node === node) this.#publishers.delete(publisher);
    for (const consumer of this.#consumers) if (consumer.node === node) this.#consumers.delete(consumer);
    this.#mesh.time.after(50 + this.#random.below(2_000), () => void (node.alive || node.start()));
  }

  #cutOne(): void {
    const { mesh, time } = this.#mesh;
    const wire = this.#pick(mesh.wires);
    if (wire.cut) return;
    this.cuts++;
    mesh.cut(wire);
    const long = this.#random.chance(0.3);
    time.after(long ? HOLD_MS + this.#random.below(6_000) : this.#random.below(3_000), () => mesh.heal(wire));
  }

  #heal(): void {
    const { mesh, run } = this.#mesh;
    for (const wire of mesh.wires) mesh.heal(wire);
    for (const node of mesh.nodes) if (!node.alive) node.start();
    run(HOLD_MS + 4_000);
    for (const publisher of this.#publishers) publisher.close();
    for (const consumer of [...this.#consumers]) consumer.close(true);
    run(1_000);
  }

  /** One consumer takes all that is left of each queue. */
  #drain(): void {
    const { mesh } = this.#mesh;
    const { nodes } = mesh;
    const last = QUEUES.map((queue) => this.#consume(this.#pick(nodes), queue, Infinity));
    for (const consumer of last) consumer.first = new Map();
    const isEmpty = (): boolean =>
      mesh.nodes.every(({ running }) => running.queues.views().every(({ depth }) => depth === 0));
    for (let left = DRAIN_STEPS; left > 0 && !(left < DRAIN_STEPS && isEmpty()); left--) {
      this.#mesh.run(STEP_MS * 10);
      for (const consumer of last) consumer.settleSome(Infinity);
    }
    if (!isEmpty()) this.problems.push('the queues are not empty after a minute');
    this.#mesh.run(2_000);
  }

  // --- what clients tell -------------------------------------------------------------------------------------------------------

  sent(queue: string, publisher: number, n: number): string {
    const text = `${publisher}.${n}`;
    const fate = { queue, publisher, n, outcome: undefined, deliveries: 0, unmarked: 0, settled: false, back: 0 };
    this.fates.set(text, fate);
    return text;
  }

  told(text: string, outcome: Outcome): void {
    const fate = this.fates.get(text) as Fate;
    if (fate.outcome !== undefined) this.problems.push(`${text} has a second outcome`);
    fate.outcome = outcome;
  }

  delivered(text: string, queue: string, count: number): void {
    const fate = this.fates.get(text);
    if (fate === undefined || fate.queue !== queue) {
      this.problems.push(`${text} came out of ${queue} and was never put there`);
      return;
    }
    fate.deliveries++;
    if (fate.deliveries > 1) this.redelivered++;
    if (fate.deliveries > 1 && count === 0) fate.unmarked++;
    if (fate.settled) fate.back++;
  }

  #judge(): void {
    for (const [text, { outcome, deliveries, unmarked, back }] of this.fates) {
      const accepted = outcome === OUTCOME.accepted;
      if (accepted && deliveries === 0) this.problems.push(`${text} was accepted and never came`);
      if (outcome !== undefined && !accepted && deliveries > 0)
        this.problems.push(`${text} came with outcome ${outcome}`);
      if (unmarked > 0) this.problems.push(`${text} came again without a mark`);
      if (back > 0) this.problems.push(`${text} came back after it was settled`);
    }
    for (const { pending } of this.#publishers)
      for (const text of pending) this.problems.push(`${text} has no outcome`);
  }
}

/** Sends as its credit allows. */
class RunPublisher {
  readonly pending = new Set<string>();
  #credit = 0;
  #n = 0;
  readonly #texts: string[] = [];
  readonly #publisher: Publisher;

  constructor(
    private readonly run: QueueRun,
    readonly node: VirtualNode,
    private readonly queue: string,
    private readonly id: number,
  ) {
    this.#publisher = node.running.addresses.openPublisher(
      { address: queue, hint: null, client: `publisher ${id}` },
      {
        onCredit: (more) => (this.#credit += more),
        onOutcome: (token, outcome) => this.#told(token, outcome),
        onHold: () => undefined,
        onGone: ({ code }) => run.problems.push(`a publisher was ended: ${code}`),
      },
    );
  }

  #told(token: number, outcome: Outcome): void {
    const text = this.#texts[token] as string;
    this.pending.delete(text);
    this.run.told(text, outcome);
  }

  send(count: number): void {
    for (let left = Math.min(count, this.#credit); left > 0 && this.node.alive; left--) {
      this.#credit--;
      const text = this.run.sent(this.queue, this.id, this.#n++);
      const token = this.#texts.push(text) - 1;
      this.pending.add(text);
      const payload = encodeText(text);
      const to = this.#publisher.address;
      if (to === null) throw new Error('a publisher of a queue has an address');
      const verdict = this.#publisher.publish(to, 0, payload, 0, payload.length, token);
      if (verdict !== PENDING) this.#told(token, verdict);
    }
  }

  close(): void {
    // Outcomes are told to those that are there: it stays, and sends no more.
    this.#credit = 0;
  }
}

/** Takes what its credit allows, and settles it when it is told to. */
class RunConsumer {
  /** Newest first delivery of each publisher, once order counts. */
  first: Map<number, number> | null = null;
  readonly #held: [token: number, text: string][] = [];
  readonly #settling = new Map<number, string>();
  #consumer: Consumer | null = null;
  #closed = false;

  constructor(
    private readonly run: QueueRun,
    readonly node: VirtualNode,
    private readonly queue: string,
    private credit: number,
    private readonly gone: (consumer: RunConsumer) => void,
  ) {
    this.#consumer = node.running.addresses.openConsumer(
      { address: queue, hint: null, client: 'consumer', settled: false },
      {
        ready: () => this.#credit > 0,
        credit: () => this.#credit,
        deliver: (token, _address, _settled, payload, start, end) => this.#take(token, payload.subarray(start, end)),
        deliverLarge: () => run.problems.push('a large message came'),
        onGap: () => undefined,
        onConfirmed: () => this.#consumer?.pump(),
        onSettled: (token, error) => this.#onSettled(token, error === null),
        onDrained: () => undefined,
        onGone: () => this.#end(),
      },
    );
  }

  get #credit(): number {
    return this.#consumer === null || this.#closed ? 0 : Math.max(0, this.credit - this.#held.length);
  }

  #take(token: number, bytes: Buffer): void {
    const { text, deliveryCount } = decodeText(bytes);
    const fate = this.run.fates.get(text);
    if (this.first !== null && fate?.deliveries === 0) {
      const before = this.first.get(fate.publisher) ?? -1;
      if (fate.n < before) this.run.problems.push(`${text} came after ${fate.publisher}.${before}`);
      this.first.set(fate.publisher, fate.n);
    }
    this.run.delivered(text, this.queue, deliveryCount);
    this.#held.push([token, text]);
  }

  settleSome(count: number): void {
    if (this.#closed || !this.node.alive) return;
    for (const [token, text] of this.#held.splice(0, Math.min(count, this.#held.length))) {
      this.#settling.set(token, text);
      this.#consumer?.settle(token, OUTCOME.accepted, null, true);
    }
    this.#consumer?.pump();
  }

  #onSettled(token: number, done: boolean): void {
    const text = this.#settling.get(token);
    this.#settling.delete(token);
    const fate = text === undefined ? undefined : this.run.fates.get(text);
    if (fate !== undefined && done) fate.settled = true;
  }

  close(failed: boolean): void {
    if (this.#closed) return;
    // What a client gives back in peace comes again without a mark: it has none of that here.
    if (!failed && this.#held.length > 0) return;
    if (this.node.alive) this.#consumer?.close(failed);
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    this.run.ended++;
    this.gone(this);
  }
}
