import type { Chunk } from '../common/chunk';
import { WireError, WireReader } from '../common/wire';
import { Adjacency, adjacencyKey, type AdjacencyPorts } from '../links/adjacency';
import {
  FRAME,
  type LinkTransport,
  type LinkTransportEvents,
  type NodeId,
  type NodeIdentity,
  type PeerHello,
  type TrafficClass,
} from '../links/contract';
import type { LinkRefusedError } from '../links/errors';
import { agree } from '../links/handshake';
import type { LinkStatus } from '../links/link-status';
import { LinkTable } from '../links/link-table';
import type { LinkStateCounters, LinkStatePorts } from './link-state-ports';
import { ReplicaSync, type NeighbourPort } from './replica-sync';
import type { ReplicaTable } from './replica-table';

/** What the core does about its links. */
export type NeighbourEvents = Pick<AdjacencyPorts['events'], 'onState' | 'onCost'>;

/** All links of one node: frames of neighbours come in here and go to whom they concern; frames to neighbours leave. */
export class Neighbours implements NeighbourPort {
  readonly sync: ReplicaSync;
  /** Set while the node takes no new links. */
  refusal: LinkRefusedError | null = null;
  readonly #links = new LinkTable();
  readonly #linkPorts: AdjacencyPorts;

  constructor(
    private readonly ports: LinkStatePorts,
    private readonly self: () => NodeIdentity,
    table: ReplicaTable,
    private readonly counters: LinkStateCounters,
    { onState, onCost }: NeighbourEvents,
  ) {
    const { clock, limits } = ports;
    this.sync = new ReplicaSync(table, this, clock);
    const onHello = ({ link }: Adjacency, equal: boolean): void => this.sync.compared(link, equal);
    const onDropped = (head: Buffer, origin: NodeId): void => this.#drop(head, origin);
    this.#linkPorts = {
      clock,
      self,
      sync: this.sync,
      events: { onState, onCost, onHello, onDropped },
      helloMs: limits.helloMs,
      deadMs: limits.deadMs,
      queueBytes: limits.linkQueueBytes,
    };
  }

  /** The link that an own edge stands for, or -1. */
  linkOf(neighbour: NodeId, dialled: boolean, name: string): number {
    return this.#links.find(adjacencyKey(neighbour, dialled, name))?.link ?? -1;
  }

  get(link: number): Adjacency | undefined {
    return this.#links.get(link);
  }

  get all(): readonly Adjacency[] {
    return this.#links.all;
  }

  /** The same link opened again replaces the former one. @throws LinkRefusedError */
  add(transport: LinkTransport, hello: PeerHello, dialled: boolean): LinkTransportEvents & { readonly link: number } {
    const agreement = agree(this.self(), hello);
    if (this.refusal !== null) throw this.refusal;
    const former = this.#links.find(adjacencyKey(agreement.peer.id, dialled, agreement.linkName));
    former?.close('amqp:connection:forced', 'the same link was opened again');
    const adjacency = this.#links.add((link) => new Adjacency(link, transport, agreement, dialled, this.#linkPorts));
    adjacency.start();
    this.ports.scheduleFlush();
    return {
      link: adjacency.link,
      onFrame: (cls, bytes, start, end) => this.#onFrame(adjacency, cls, bytes, start, end),
      onInbound: () => adjacency.onInbound(),
      onRoom: () => this.ports.scheduleFlush(),
      onClosed: (reason) => {
        adjacency.onClosed(reason);
        this.#links.release(adjacency);
      },
    };
  }

  /** Ends all links at once and takes no new ones. */
  refuse(refusal: LinkRefusedError): void {
    this.refusal = refusal;
    for (const adjacency of this.#links.all) adjacency.close(refusal.condition as string, refusal.message);
  }

  /** Routes are new: the indices of links that are gone may be used again. */
  recycle(): void {
    this.#links.recycle();
  }

  // --- frames in -----------------------------------------------------------------------------------------------------------

  #onFrame(adjacency: Adjacency, cls: TrafficClass, bytes: Buffer, start: number, end: number): void {
    if (!adjacency.open) return;
    adjacency.bytesIn += end - start;
    try {
      if (start >= end) throw new WireError('empty frame');
      const type = bytes[start] as number;
      if (type >= FRAME.batch) this.ports.onRoutedFrame(adjacency.link, cls, bytes, start, end);
      else this.#onNeighbourFrame(adjacency, type, bytes, start, end);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuseFrame(adjacency, error.message);
    }
  }

  #refuseFrame(adjacency: Adjacency, why: string): void {
    this.counters.protocolErrors++;
    this.ports.journal.warn('link-protocol-error', { link: adjacency.name, peer: adjacency.peer.name, why });
    adjacency.close('fairlead:protocol-error', why);
  }

  /** Frames of a type that this build does not know are a later version's. @throws WireError */
  #onNeighbourFrame(adjacency: Adjacency, type: number, bytes: Buffer, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    const { link } = adjacency;
    if (type === FRAME.hello) adjacency.onHello(reader);
    else if (type === FRAME.digest) this.sync.onDigest(link, reader);
    else if (type === FRAME.state) this.sync.onState(link, bytes, start, end);
    else if (type === FRAME.stateRequest) this.sync.onRequest(link, reader);
    else if (type === FRAME.synced) adjacency.onSynced(reader);
    else if (type === FRAME.bye) adjacency.onBye(reader);
    this.ports.scheduleFlush();
  }

  // --- frames out ----------------------------------------------------------------------------------------------------------

  send(link: number, frame: Buffer): void {
    this.#links.get(link)?.sendNeighbour(frame);
  }

  flood(frames: readonly Buffer[], except: number): void {
    for (const adjacency of this.#links.all) {
      if (adjacency.link === except) continue;
      for (const frame of frames) adjacency.sendNeighbour(frame);
    }
    this.ports.scheduleFlush();
  }

  /** Queues a routed frame; one for a link that is gone is dropped like one for which there is no room. */
  enqueue(link: number, cls: TrafficClass, head: Buffer, body: Chunk | null, streamKey: number, origin: NodeId): void {
    const adjacency = this.#links.get(link);
    if (adjacency?.open === true) adjacency.queue.push(cls, head, body, streamKey, origin);
    else this.#drop(head, origin);
    this.ports.scheduleFlush();
  }

  #drop(head: Buffer, origin: NodeId): void {
    this.counters.droppedFrames++;
    this.ports.onDropped(head, origin);
  }

  /** True when no routed frame waits on any link. */
  get routedEmpty(): boolean {
    for (const adjacency of this.#links.all) if (!adjacency.queue.routedEmpty) return false;
    return true;
  }

  statuses(): LinkStatus[] {
    return this.#links.all.map((adjacency) => adjacency.status());
  }
}
