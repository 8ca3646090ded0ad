import { PENDING, type Consumer, type Publisher } from '../../src/addresses/contract';
import { OUTCOME } from '../../src/streams/contract';
import { rule, VirtualMesh, type VirtualNode } from './virtual-mesh';
import { VirtualTime } from './virtual-time';

class TestConsumer {
  readonly got: string[] = [];
  confirmed: readonly string[] | null = null;
  paused = false;
  consumer!: Consumer;
  outcome: number = OUTCOME.accepted;
  gone: string | null = null;

  static open(node: VirtualNode, address: string): TestConsumer {
    const self = new TestConsumer();
    self.consumer = node.running.addresses.openConsumer(
      { address, hint: null, client: 'c', settled: false },
      {
        ready: () => !self.paused,
        credit: () => (self.paused ? 0 : Infinity),
        deliver: (token, _address, _settled, payload, start, end) => {
          self.got.push(payload.toString('utf8', start, end));
          self.tokens.push(token);
          if (self.auto) self.settleAll();
        },
        deliverLarge: (token, _address, _settled, body) => {
          const bytes = Buffer.alloc(body.length);
          body.read(0, bytes);
          self.got.push(bytes.toString());
          self.tokens.push(token);
          if (self.auto) self.settleAll();
        },
        onGap: () => undefined,
        onConfirmed: (unconfirmed) => (self.confirmed = unconfirmed),
        onSettled: () => undefined,
        onDrained: () => undefined,
        onGone: (error) => (self.gone = error.code),
      },
    );
    return self;
  }

  readonly tokens: number[] = [];
  auto = true;

  settleAll(): void {
    const { consumer, outcome } = this;
    // Delivered while the consumer is still being opened: settled by its owner afterwards.
    if ((consumer as Consumer | undefined) === undefined) return;
    for (const token of this.tokens.splice(0)) consumer.settle(token, outcome as 0, null);
  }
}

class TestPublisher {
  credit = 0;
  sent = 0;
  readonly outcomes: (readonly [number, number, string | undefined])[] = [];
  publisher!: Publisher;

  static open(node: VirtualNode, address: string): TestPublisher {
    const self = new TestPublisher();
    self.publisher = node.running.addresses.openPublisher(
      { address, hint: null, client: 'p' },
      {
        onCredit: (more) => (self.credit += more),
        onOutcome: (token, outcome, detail) => self.outcomes.push([token, outcome, detail?.description]),
        onGone: () => undefined,
        onHold: () => undefined,
      },
    );
    return self;
  }

  send(text: string): number {
    this.credit--;
    const payload = Buffer.from(text);
    const { address } = this.publisher;
    const verdict = this.publisher.publish(address as never, 0, payload, 0, payload.length, this.sent);
    if (verdict !== PENDING) this.outcomes.push([this.sent, verdict, undefined]);
    return this.sent++;
  }
}

function line(rules = [rule('alerts', 'multicast'), rule('quote.*', 'anycast')]): {
  mesh: VirtualMesh;
  time: VirtualTime;
  nodes: readonly [VirtualNode, VirtualNode, VirtualNode];
} {
  const time = new VirtualTime();
  const mesh = new VirtualMesh(time, 1);
  const nodes = [mesh.add('a', rules), mesh.add('b', rules), mesh.add('c', rules)] as const;
  for (const node of nodes) node.start();
  mesh.join(nodes[0], nodes[1]);
  mesh.join(nodes[1], nodes[2]);
  time.runUntil(2_000);
  return { mesh, time, nodes };
}

describe('three nodes in a line', () => {
  it('bring topic messages to matching subscribers at other sites, in order', () => {
    const { time, nodes } = line();
    const near = TestConsumer.open(nodes[0], 'orders.*');
    const far = TestConsumer.open(nodes[2], 'orders.#');
    time.runUntil(time.now + 200);
    expect(near.confirmed).toEqual([]);
    expect(far.confirmed).toEqual([]);
    const publisher = TestPublisher.open(nodes[0], 'orders.new');
    time.runUntil(time.now + 50);
    expect(publisher.credit).toBeGreaterThan(0);
    const sent = Array.from({ length: 500 }, (_, n) => `m${n}`);
    for (const text of sent) {
      time.runUntil(time.now + 10, () => publisher.credit > 0);
      publisher.send(text);
    }
    time.runUntil(time.now + 500);
    expect(near.got).toEqual(sent);
    expect(far.got).toEqual(sent);
    expect(publisher.outcomes.every(([, outcome]) => outcome === OUTCOME.accepted)).toBe(true);
  });

  it('tell a multicast sender when all sites have accepted, and who refused', () => {
    const { time, nodes } = line();
    const consumers = nodes.map((node) => TestConsumer.open(node, 'alerts'));
    time.runUntil(time.now + 200);
    const publisher = TestPublisher.open(nodes[0], 'alerts');
    time.runUntil(time.now + 50);
    publisher.send('one');
    time.runUntil(time.now + 200);
    expect(consumers.map(({ got }) => got)).toEqual([['one'], ['one'], ['one']]);
    expect(publisher.outcomes).toEqual([[0, OUTCOME.accepted, undefined]]);
    (consumers[2] as TestConsumer).outcome = OUTCOME.rejected;
    publisher.send('two');
    time.runUntil(time.now + 200);
    expect(publisher.outcomes[1]).toEqual([1, OUTCOME.rejected, 'refused by: c']);
  });

  it('give an anycast message to the nearest consumer and pass its outcome back', () => {
    const { time, nodes } = line();
    const near = TestConsumer.open(nodes[1], 'quote.a');
    const far = TestConsumer.open(nodes[2], 'quote.a');
    time.runUntil(time.now + 200);
    const publisher = TestPublisher.open(nodes[0], 'quote.a');
    time.runUntil(time.now + 50);
    near.outcome = OUTCOME.rejected;
    publisher.send('x');
    time.runUntil(time.now + 100);
    expect([near.got, far.got]).toEqual([['x'], []]);
    expect(publisher.outcomes).toEqual([[0, OUTCOME.rejected, undefined]]);
    near.consumer.close();
    time.runUntil(time.now + 100);
    publisher.send('y');
    time.runUntil(time.now + 100);
    expect(far.got).toEqual(['y']);
    expect(publisher.outcomes[1]).toEqual([1, OUTCOME.accepted, undefined]);
  });

  it('give no credit on an anycast address without consumers', () => {
    const { time, nodes } = line();
    const publisher = TestPublisher.open(nodes[0], 'quote.b');
    time.runUntil(time.now + 500);
    expect(publisher.credit).toBe(0);
    TestConsumer.open(nodes[2], 'quote.b');
    time.runUntil(time.now + 500);
    expect(publisher.credit).toBeGreaterThan(0);
  });

  it('choke publishers of a slow consumer and no others', () => {
    const { time, nodes } = line();
    const slow = TestConsumer.open(nodes[2], 'slow');
    const quick = TestConsumer.open(nodes[2], 'quick');
    slow.paused = true;
    time.runUntil(time.now + 200);
    const toSlow = TestPublisher.open(nodes[0], 'slow');
    const toQuick = TestPublisher.open(nodes[0], 'quick');
    time.runUntil(time.now + 50);
    const text = 'x'.repeat(1_000);
    let sentQuick = 0;
    for (let turn = 0; turn < 200; turn++) {
      while (toSlow.credit > 0) toSlow.send(text);
      while (toQuick.credit > 0 && sentQuick < 20_000) {
        toQuick.send(text);
        sentQuick++;
      }
      time.runUntil(time.now + 10);
    }
    expect(toSlow.credit).toBe(0);
    expect(toSlow.sent).toBeLessThan(5_000);
    expect(quick.got).toHaveLength(sentQuick);
    expect(sentQuick).toBeGreaterThan(5_000);
    slow.paused = false;
    slow.consumer.pump();
    time.runUntil(time.now + 500);
    expect(toSlow.credit).toBeGreaterThan(0);
    expect(slow.got).toHaveLength(toSlow.sent);
  });

  it('carry large messages whole', () => {
    const { time, nodes } = line();
    const far = TestConsumer.open(nodes[2], 'big');
    const near = TestConsumer.open(nodes[0], 'big');
    time.runUntil(time.now + 200);
    const publisher = TestPublisher.open(nodes[0], 'big');
    time.runUntil(time.now + 50);
    const text = 'y'.repeat(3_000_000);
    const bytes = Buffer.from(text);
    publisher.publisher.begin(publisher.publisher.address as never, 0, 1);
    for (let at = 0; at < bytes.length; at += 100_000) publisher.publisher.part(bytes, at, at + 100_000);
    expect(publisher.publisher.end()).toBe(OUTCOME.accepted);
    time.runUntil(time.now + 2_000);
    expect(far.got).toEqual([text]);
    expect(near.got).toEqual([text]);
  });

  it('lose nothing when the only link is cut and healed', () => {
    const { mesh, time, nodes } = line();
    const far = TestConsumer.open(nodes[2], 'orders.#');
    time.runUntil(time.now + 200);
    const publisher = TestPublisher.open(nodes[0], 'orders.x');
    time.runUntil(time.now + 50);
    let n = 0;
    const pump = (until: number): void => {
      while (time.now < until) {
        if (publisher.credit > 0) publisher.send(`m${n++}`);
        time.runUntil(time.now + 2);
      }
    };
    pump(time.now + 300);
    const [, wire] = mesh.wires;
    mesh.cut(wire as never);
    pump(time.now + 3_000);
    mesh.heal(wire as never);
    pump(time.now + 500);
    time.runUntil(time.now + 3_000);
    expect(far.got).toEqual(Array.from({ length: n }, (_, i) => `m${i}`));
  });
});
