import type { Chunk, ChunkPool } from '../common/chunk';
import type { NodeId } from '../links/contract';
import type { LargeBody, Outcome, OutcomeDetail, Receipt } from '../streams/contract';
import type { LargeStorage } from '../streams/reassembly';
import type { AddressEntry } from './address-entry';
import type { Audience } from './audience';
import type { Chokes } from './chokes';
import type { AddressKind, Verdict } from './contract';
import type { CreditBook } from './credit';
import type { Holding } from './holding';
import type { LargePublish } from './large-publish';
import type { LocalConsumer } from './local-consumer';
import type { LocalPublisher } from './local-publisher';
import type { PendingTable } from './pending';
import type { AddressCounters, AddressStreams } from './ports';
import type { SiteSlots } from './site-slots';
import type { LaneBudget } from './spill';
import type { TurnClock } from './turn-clock';

/** How the messages of one kind of address are treated: on their way out, where they arrive, and when answers come back. */
export interface Forwarder {
  /** A publisher of this node sends a message. */
  publish(
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict;
  /** A publisher of this node begins a large message. */
  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish;
  /** A message came for consumers of this node. */
  arrive(
    receipt: Receipt,
    seq: number,
    entry: AddressEntry,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void;
  arriveLarge(receipt: Receipt, seq: number, entry: AddressEntry, flags: number, body: LargeBody): void;
  /** What became of a pending message at a node, this one included. */
  onOutcome(slot: number, node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** A node will never say. `sent`: it may have the message. */
  onLost(slot: number, node: NodeId, sent: boolean): void;
  /** Messages that publishers of the address may have credit for now, used or not; 0 while something holds them up. */
  allowance(entry: AddressEntry): number;
  /** A stream that messages of the address go by has more than enough unsent. */
  congested(entry: AddressEntry): boolean;
  /** A consumer of this node, none of whose messages wait in a lane of its own, can take some. */
  pump(consumer: LocalConsumer): void;
  /** A consumer of this node has gone. */
  left(entry: AddressEntry): void;
}

/** One forwarder per kind of address. */
export type Forwarders = Readonly<Record<AddressKind, Forwarder>>;

/** What forwarders are built on. */
export interface ForwarderPorts {
  readonly self: NodeId;
  readonly clock: TurnClock;
  readonly holding: Holding;
  readonly streams: AddressStreams;
  /** For large messages to consumers of this node. */
  readonly large: LargeStorage;
  readonly retention: ChunkPool;
  readonly counters: AddressCounters;
  readonly audience: Audience;
  readonly chokes: Chokes;
  readonly credit: CreditBook;
  readonly pending: PendingTable;
  readonly sites: SiteSlots;
  readonly lanes: LaneBudget;
  /** Name of a node's site for messages to users. */
  siteName(node: NodeId): string;
  /** Something is to be done at the end of this turn. */
  readonly scheduleFlush: () => void;
}
