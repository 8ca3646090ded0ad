import { FairleadError } from '../../src/common/errors';
import { OUTCOME } from '../../src/streams/contract';
import type { SimPublisher } from './address-clients';
import type { SimMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import type { VirtualNode } from './virtual-mesh';

export const QUEUE = '$sub/client/sub';
const REF = { name: 'sub', client: 'client' };

/** Publishers to one topic at several nodes, who come back when their nodes do, and what they were told. */
export class Load {
  readonly #all: SimPublisher[] = [];
  readonly #now = new Map<string, SimPublisher>();

  constructor(
    private readonly sim: SimMesh,
    private readonly names: readonly string[],
    private readonly topic = 'news.sport',
  ) {}

  /** Publishes one at each node that lives. */
  step(ms: number): void {
    for (const name of this.names) this.#publish(name);
    this.sim.run(ms);
  }

  #publish(name: string): void {
    const node = this.sim.node(name);
    if (!node.alive) {
      this.#now.delete(name);
      return;
    }
    let publisher = this.#now.get(name);
    if (publisher === undefined) {
      publisher = topicPublisher(node, this.topic, `${name}${this.#all.length}`);
      this.#now.set(name, publisher);
      this.#all.push(publisher);
    }
    if (publisher.credit > 0 && publisher.gone === null) publisher.sendAll((n) => this.#text(publisher, n), 1);
  }

  #text(publisher: SimPublisher, n: number): string {
    return `${publisher.node.name}${this.#all.indexOf(publisher)}.${n}`;
  }

  steps(count: number, ms = 20): void {
    for (let n = 0; n < count; n++) this.step(ms);
  }

  /** Goes on until something holds. */
  until(what: string, done: () => boolean, ms = 20): void {
    for (let n = 0; n < 12_000; n++) {
      if (done()) return;
      this.step(ms);
    }
    throw new Error(`not within a minute: ${what}`);
  }

  /** All that are still there are told the outcome of each; none is refused. */
  settle(): this {
    const living = (): SimPublisher[] => [...this.#now.values()].filter(({ node }) => node.alive);
    this.sim.until('outcomes', () => living().every(({ outcomes, sent }) => outcomes.size === sent));
    for (const { results } of living()) expect(new Set(results)).toEqual(new Set([OUTCOME.accepted]));
    return this;
  }

  get accepted(): string[] {
    return this.#all.flatMap((publisher) =>
      [...publisher.outcomes].flatMap(([n, outcome]) =>
        outcome === OUTCOME.accepted ? [this.#text(publisher, n)] : [],
      ),
    );
  }

  /** Whatever was accepted comes, each once, and for each publisher in order. */
  expectAll(got: () => readonly string[], isOrdered = true): void {
    const { sim, accepted } = this;
    expect(accepted.length).toBeGreaterThan(0);
    sim.until('all', () => new Set(got()).size >= accepted.length && accepted.every((text) => got().includes(text)));
    sim.run(2_000);
    expect(got().length).toBe(new Set(got()).size);
    if (isOrdered)
      for (const publisher of this.#all) expectOrdered(got(), this.#text(publisher, 0).split('.')[0] ?? '');
  }
}

/** Each once, and none before an older one. */
export function expectOrdered(got: readonly string[], publisher: string): void {
  const numbers = got.filter((text) => text.startsWith(`${publisher}.`)).map((text) => Number(text.split('.')[1]));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}

/** Makes a subscription at a node, whose subscriber goes away. */
export function made(sim: SimMesh, at: string, options: Parameters<typeof subscriber>[2] = {}): void {
  const first = subscriber(sim.node(at), 'news.#', options);
  sim.until('confirmed', () => first.confirmed !== null);
  first.close();
  sim.run(300);
}

/** Where a subscription lives by the word of a node; undefined where it knows of none. */
export function homeAt({ running }: VirtualNode, queue = QUEUE): string | undefined {
  return [...running.queueHomes()].find(([name]) => name === queue)?.[1];
}

/** Asks whoever has it to move it. @returns whether it has come to pass */
export function asked({ mesh, node }: SimMesh, to: string, queue = QUEUE): boolean {
  const from = mesh.nodes.find(
    (each) => each.alive && each.running.queues.stored.includes(queue) && homeAt(each, queue) === each.name,
  );
  if (from === undefined || !node(to).alive) return false;
  if (from.name === to) return from.running.queues.stored.every((name) => !name.startsWith('$late/'));
  try {
    from.running.relocation.rehome(queue, to);
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
  }
  return false;
}

/** Ends it, by the word of a node. @returns what became of that; undefined while it is not known */
export function ended(node: VirtualNode): () => string | null | undefined {
  let answer: string | null | undefined;
  node.running.addresses.unsubscribe(REF, (error) => (answer = error?.code ?? null));
  return () => answer;
}

/** Nothing is left of it: no queue, nothing put aside, no fact. */
export function leftovers({ mesh }: SimMesh, queue = QUEUE): string[] {
  return mesh.nodes.flatMap((each) => [
    ...each.running.queues.stored.filter((name) => name.endsWith(queue)).map((name) => `${each.name} has ${name}`),
    ...[...each.facts.values()].flatMap(({ origin, entries }) =>
      entries.has(`queue/${queue}`) ? [`${each.name} knows of it at ${origin}`] : [],
    ),
  ]);
}
