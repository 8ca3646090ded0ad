import { ChunkPool, type Chunk } from '../src/common/chunk';
import { SILENT_JOURNAL } from '../src/common/ports';
import { FRAME, TRAFFIC_CLASS, nodeIdOf, type NodeId } from '../src/links/contract';
import type { NodeView, Routes } from '../src/routing/contract';
import { MESSAGE_FLAG, OUTCOME, type Receipt, type StreamsUpper } from '../src/streams/contract';
import { StreamCore } from '../src/streams/stream-core';

/** CPU per message of the stream layer alone: origin, one transit node and destination in one process, no sockets. */
const MESSAGES = 4_000_000;
const PER_TURN = 400;
const NAMES = ['a', 'b', 'c'];

class Host implements StreamsUpper<string>, Routes {
  readonly self: NodeView;
  readonly core: StreamCore<string>;
  received = 0;
  outcomes = 0;

  constructor(
    readonly name: string,
    private readonly queue: { to: number; bytes: Buffer }[],
  ) {
    this.self = { id: nodeIdOf(name), name, site: name, incarnation: 1, reachable: true, cost: 0 };
    this.core = new StreamCore<string>({
      clock: { now: () => performance.now(), wall: () => Date.now() },
      routes: this,
      frames: { enqueue: (link, _cls, head, body) => this.#enqueue(link, head, body) },
      upper: this,
      spool: {
        create: () => {
          throw new Error('no large messages here');
        },
      },
      journal: SILENT_JOURNAL,
      retention: new ChunkPool('retention', 1 << 26),
      receive: new ChunkPool('receive', 1 << 26),
      transit: new ChunkPool('transit', 1 << 26),
      partitionHoldMs: 120_000,
      scheduleFlush: () => undefined,
    });
  }

  #enqueue(to: number, head: Buffer, body: Chunk | null): void {
    this.queue.push({ to, bytes: body === null ? head : Buffer.concat([head, body.bytes]) });
  }

  view(): NodeView {
    return this.self;
  }

  nodes(): Iterable<NodeView> {
    return [];
  }

  nextHop(destination: NodeId): number {
    const here = NAMES.indexOf(this.name);
    return NAMES.findIndex((name) => nodeIdOf(name) === destination) > here ? here + 1 : here - 1;
  }

  pathGeneration(): number {
    return 0;
  }

  resolveWire(address: string): string {
    return address;
  }

  onMessage(receipt: Receipt, seq: number, _address: string, flags: number): void {
    this.received++;
    if ((flags & MESSAGE_FLAG.tracked) !== 0) this.core.outcome(receipt.origin, receipt, seq, OUTCOME.accepted, null);
  }

  onOutcome(): void {
    this.outcomes++;
  }

  onLarge(): void {}
  onNotTaken(): void {}
  onControl(): void {}
  onLost(): void {}
  onDropped(): void {}
  onFull(): void {}
  onGap(): void {}
  onGivenUp(): void {
    // Nodes of this bench never part.
  }

  onTargetState(): void {}
}

function run(tracked: boolean): void {
  const queue: { to: number; bytes: Buffer }[] = [];
  const hosts = NAMES.map((name) => new Host(name, queue));
  for (const host of hosts) for (const other of hosts) if (other !== host) host.core.onReachable(other.self);
  const [a, , c] = hosts as [Host, Host, Host];
  const set = a.core.targetSet([c.self.id]);
  const payload = Buffer.alloc(150);
  const flags = tracked ? MESSAGE_FLAG.tracked : 0;
  const cpu = process.cpuUsage();
  for (let sent = 0; sent < MESSAGES; sent += PER_TURN) {
    for (let n = 0; n < PER_TURN; n++) {
      a.core.append(set, TRAFFIC_CLASS.normal, 'orders.new', flags, payload, 0, 150, tracked ? n : -1);
    }
    do {
      for (const host of hosts) host.core.flush();
      for (const { to, bytes } of queue.splice(0)) {
        const { core } = hosts[to] as Host;
        if (bytes[0] === FRAME.batch) core.onBatch(bytes, 0, bytes.length);
        else core.onDatagram(bytes, 0, bytes.length);
      }
    } while (queue.length > 0 || c.received < sent + PER_TURN);
  }
  const used = process.cpuUsage(cpu);
  const seconds = (used.user + used.system) / 1e6;
  process.stdout.write(
    `streams ${tracked ? 'tracked' : 'plain'}: ${((seconds / MESSAGES) * 1e6).toFixed(3)} CPU-us per message over 2 hops ` +
      `(${c.received} received, ${a.outcomes} outcomes)\n`,
  );
}

run(false);
run(true);
