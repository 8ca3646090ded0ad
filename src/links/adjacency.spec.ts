import { WireReader } from '../common/wire';
import { Adjacency, type AdjacencyState } from './adjacency';
import { FRAME, nodeIdOf, type LinkTransport, type NodeIdentity } from './contract';
import { LinkCostError } from './errors';
import { DRAIN_MS, RECHECK_MS } from './limits';
import type { SyncPort } from './sync-port';

const HELLO_MS = 500;
const DEAD_MS = 1_500;

/** One end of a link; what it sends is handed to the other end by the test. */
class End implements SyncPort {
  now = 0;
  readonly sent: Buffer[] = [];
  readonly states: AdjacencyState['kind'][] = [];
  readonly costs: number[] = [];
  closed: string | null = null;
  /** What `covered` answers: the number of the neighbour's digest once ours is as new. */
  coveredDigest = 0;
  stopped = false;
  room = Infinity;
  readonly adjacency: Adjacency;

  constructor(
    readonly self: NodeIdentity,
    peer: NodeIdentity,
    dialled: boolean,
  ) {
    const transport: LinkTransport = {
      send: (_cls, head) => void this.sent.push(Buffer.from(head)),
      room: () => this.room,
      close: (condition) => (this.closed = condition),
    };
    this.adjacency = new Adjacency(0, transport, { peer, protocol: 1, linkName: 'l', cost: 10 }, dialled, {
      clock: { now: () => this.now, wall: () => this.now },
      self: () => this.self,
      sync: this,
      events: {
        onState: ({ state }) => void this.states.push(state.kind),
        onCost: ({ cost }) => void this.costs.push(cost),
        onHello: () => undefined,
        onDropped: () => undefined,
      },
      helloMs: HELLO_MS,
      deadMs: DEAD_MS,
      queueBytes: 1 << 20,
    });
    this.adjacency.start();
  }

  start(): number {
    return 1;
  }

  covered(): number {
    return this.coveredDigest;
  }

  stop(): void {
    this.stopped = true;
  }

  summary(): number {
    return 0;
  }

  receive(frame: Buffer): void {
    const reader = new WireReader(frame);
    this.adjacency.onInbound();
    if (frame[0] === FRAME.hello) this.adjacency.onHello(reader);
    else if (frame[0] === FRAME.synced) this.adjacency.onSynced(reader);
    else if (frame[0] === FRAME.bye) this.adjacency.onBye(reader);
  }
}

function identity(name: string): NodeIdentity {
  return { id: nodeIdOf(name), name, site: name, incarnation: 5 };
}

class Pair {
  readonly a = new End(identity('a'), identity('b'), true);
  readonly b = new End(identity('b'), identity('a'), false);

  /** Lets both ends speak until there is nothing left to say. */
  exchange(): void {
    for (let turns = 0; turns < 10; turns++) {
      this.a.adjacency.flush();
      this.b.adjacency.flush();
      const [fromA, fromB] = [this.a.sent.splice(0), this.b.sent.splice(0)];
      if (fromA.length + fromB.length === 0) return;
      for (const frame of fromA) this.b.receive(frame);
      for (const frame of fromB) this.a.receive(frame);
    }
  }

  up(): this {
    this.a.coveredDigest = this.b.coveredDigest = 1;
    this.exchange();
    return this;
  }

  at(now: number): void {
    this.a.now = this.b.now = now;
    for (const { adjacency } of [this.a, this.b]) adjacency.tick(now);
  }
}

describe('Adjacency', () => {
  it('is up only when each end has what the other one had when it began', () => {
    const pair = new Pair();
    pair.exchange();
    expect([pair.a.states, pair.b.states]).toEqual([[], []]);
    pair.a.coveredDigest = 1;
    pair.exchange();
    expect(pair.a.adjacency.state.kind).toBe('synchronising');
    expect(pair.b.adjacency.state.kind).toBe('synchronising');
    pair.b.coveredDigest = 1;
    pair.exchange();
    expect([pair.a.states, pair.b.states]).toEqual([['up'], ['up']]);
  });

  it('says hello at its interval, whatever else it says', () => {
    const pair = new Pair().up();
    pair.at(HELLO_MS);
    pair.a.adjacency.flush();
    expect(pair.a.sent.map((frame) => frame[0])).toEqual([FRAME.hello]);
    expect(pair.a.adjacency.deadline()).toBe(2 * HELLO_MS);
  });

  it('gives a silent neighbour up after the dead interval and one more look, and lets go of everything', () => {
    const pair = new Pair().up();
    pair.at(DEAD_MS - 1);
    expect(pair.a.adjacency.state.kind).toBe('up');
    pair.at(DEAD_MS);
    expect(pair.a.adjacency.state.kind).toBe('up');
    pair.at(DEAD_MS + RECHECK_MS);
    expect(pair.a.adjacency.state).toEqual({ kind: 'down', why: `nothing heard for ${DEAD_MS} ms` });
    expect([pair.a.closed, pair.a.stopped, pair.a.adjacency.deadline()]).toEqual(['fairlead:dead', true, Infinity]);
  });

  it('is heard by any byte in time', () => {
    const pair = new Pair().up();
    pair.at(DEAD_MS - 1);
    pair.a.adjacency.onInbound();
    pair.at(DEAD_MS + RECHECK_MS + 1);
    expect(pair.a.adjacency.state.kind).toBe('up');
  });

  it('changes its cost live on the dialling side alone; the other side takes it over', () => {
    const pair = new Pair().up();
    pair.a.adjacency.setCost(40);
    pair.exchange();
    expect([pair.a.costs, pair.b.costs, pair.b.adjacency.cost]).toEqual([[40], [40], 40]);
    expect(() => pair.b.adjacency.setCost(7)).toThrow(/owns its cost/);
    expect(() => pair.a.adjacency.setCost(0)).toThrow(LinkCostError);
  });

  it('ends on purpose: both ends know at once, and it closes when both have said goodbye', () => {
    const pair = new Pair().up();
    pair.a.adjacency.drain('the link was removed');
    expect(pair.a.states).toEqual(['up', 'draining']);
    pair.exchange();
    expect(pair.b.states).toEqual(['up', 'draining']);
    expect(pair.a.closed).toBe('amqp:connection:forced');
    expect(pair.a.adjacency.open).toBe(false);
  });

  it('does not wait for an end that never answers its goodbye', () => {
    const pair = new Pair().up();
    pair.a.adjacency.drain('the link was removed');
    pair.a.now = DRAIN_MS;
    pair.a.adjacency.tick(DRAIN_MS);
    expect(pair.a.adjacency.state.kind).toBe('down');
  });

  it('measures the round trip by what hellos echo, the time they were held left out', () => {
    const pair = new Pair().up();
    const deliver = (from: End, to: End, now: number): void => {
      from.adjacency.flush();
      to.now = now;
      for (const frame of from.sent.splice(0)) to.receive(frame);
    };
    pair.at(500);
    deliver(pair.a, pair.b, 530);
    deliver(pair.b, pair.a, 530);
    pair.b.now = 1_000;
    pair.b.adjacency.tick(1_000);
    deliver(pair.b, pair.a, 1_020);
    expect(pair.a.adjacency.roundTripMs).toBeGreaterThan(0);
    expect(pair.a.adjacency.roundTripMs).toBeLessThan(60);
  });

  it('keeps frames that the transport has no room for, and tells how much waits', () => {
    const pair = new Pair().up();
    pair.a.room = 0;
    pair.a.adjacency.queue.push(2, Buffer.alloc(100), null, 1, 1);
    pair.a.adjacency.flush();
    expect([pair.a.sent.length, pair.a.adjacency.status().queuedBytes]).toEqual([0, 100]);
    pair.a.room = Infinity;
    pair.a.adjacency.flush();
    expect(pair.a.sent.length).toBe(1);
  });
});
