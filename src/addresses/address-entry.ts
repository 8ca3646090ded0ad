import type { NodeId, TrafficClass } from '../links/contract';
import { TRAFFIC_CLASS } from '../links/contract';
import type { Chunk } from '../common/chunk';
import type { LargeBody, Receipt, TargetSet } from '../streams/contract';
import type { Candidate } from './candidate';
import type { AddressKind, AddressRef } from './contract';
import type { Forwarder } from './forwarder';
import type { Lane } from './lane';
import type { LocalConsumer } from './local-consumer';
import type { LocalPublisher } from './local-publisher';
import type { QueueState } from './queue-state';
import type { Relay } from './relay';
import type { AddressPolicy } from './rules';
import type { DurableRoute } from './durable-route';
import { wireName } from './wire-name';

/** Takes what comes for an entry that stands for no address. */
export interface EndPoint {
  arrive(receipt: Receipt, seq: number, flags: number, chunk: Chunk, start: number, end: number): void;
  arriveLarge(receipt: Receipt, seq: number, flags: number, body: LargeBody): void;
}

/**
 * One concrete address as this node knows it: who wants it, who publishes to it, what holds it up. Stays the same object for as
 * long as anything refers to it.
 */
export class AddressEntry implements AddressRef {
  readonly wire: string;
  /** Who wants it is in the fields below as of this generation; -1 when that has to be looked up again. */
  generation = -1;
  locals: readonly LocalConsumer[] = [];
  /** Topic, multicast: other sites that want it; null for none. */
  set: TargetSet | null = null;
  /** Topic, multicast: sites that want it and are given up; each message is lost to so many. */
  givenUp = 0;
  /** Topic: who keeps its messages for subscriptions; null where nobody does. */
  durable: DurableRoute | null = null;
  /** Anycast: candidates by cost, and all that were ever one. */
  candidates: readonly Candidate[] = [];
  readonly known = new Map<NodeId, Candidate>();
  readonly publishers = new Set<LocalPublisher>();
  /** Consumers here of just this address, which rely on it; a topic's filters do not. */
  attached = 0;
  /** Credit that publishers here may still use; anycast counts it against quotas. */
  granted = 0;
  /** Sites, this one included, that asked publishers to wait. */
  readonly chokedBy = new Set<NodeId>();
  /** Of the anonymous publisher here that sent to it last. */
  relay: Relay | null = null;
  /** Origins that this site has asked to wait. */
  readonly choked = new Set<NodeId>();
  /** Anycast: what waits here for any of the consumers; made when something has to. */
  lane: Lane | null = null;
  /** Anycast: the consumer here that is asked first for the next message; and the count of choices among sites. */
  turn = 0;
  choices = 0;
  /** Queue: where it lives; made on first use. */
  queue: QueueState | null = null;
  /** Stands for no address, but for deliveries to a consumer here of a queue elsewhere, or for a queue that comes here. */
  circuit: EndPoint | null = null;
  /** Messages in flight that refer to it. */
  inFlight = 0;
  /** The table has dropped it; whoever still refers to it brings it back. */
  forgotten = false;

  constructor(
    readonly kind: AddressKind,
    readonly name: string,
    public policy: AddressPolicy,
    readonly forwarder: Forwarder,
  ) {
    this.wire = wireName(kind, name);
  }

  get cls(): TrafficClass {
    return this.policy.trafficClass === 'high' ? TRAFFIC_CLASS.high : TRAFFIC_CLASS.normal;
  }

  /** A site asks publishers here to wait. */
  choke(site: NodeId): void {
    this.chokedBy.add(site);
    this.relay?.choked(this);
  }

  /** Anycast: what waits is more than its share. */
  get slow(): boolean {
    return this.lane?.slow ?? false;
  }

  /** Anycast: messages that wait here. */
  get waiting(): number {
    return this.lane?.size ?? 0;
  }

  /** Nothing here depends on it: it may be forgotten. */
  get idle(): boolean {
    return (
      this.publishers.size === 0 &&
      this.attached === 0 &&
      this.waiting === 0 &&
      this.inFlight === 0 &&
      this.choked.size === 0 &&
      this.chokedBy.size === 0
    );
  }
}
