import type { FairleadError } from '../common/errors';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import type { CoHolder, SharedMessages } from './co-holder';
import type { QueueMoves } from './moves-contract';

/** How a queue treats its messages; the part of an address rule that is about queues. Null: no bound, or not at all. */
export interface QueuePolicy {
  readonly maxDepth: number | null;
  readonly maxBytes: number | null;
  /** `block`: publishers get no credit meanwhile; what comes nevertheless is put. */
  readonly overLimit: 'reject' | 'block' | 'dropOldest';
  readonly ttlMs: number | null;
  /** Deliveries after which a message that was not accepted is dead. */
  readonly maxDeliveries: number | null;
  /** A message that was not accepted is delivered again after this long. */
  readonly retryMs: number;
  /** Address of dead letters, as a client writes it; without one they are dropped and counted. */
  readonly deadLetter: string | null;
  readonly duplicateWindowMs: number | null;
  /** One consumer at a time. */
  readonly exclusive: boolean;
  /** `prefer`: consumers at the home's own site come first. */
  readonly locality: 'none' | 'prefer';
}

/** What a home remembers of the puts of one origin to one queue, so that a repeated one is answered and not stored again. */
export interface PutMark {
  readonly origin: string;
  /** One life of the origin's numbering: its incarnation, or that of its store for what it keeps itself first. */
  readonly epoch: number;
  /** The greatest sequence that was put. */
  readonly last: number;
  /**
   * Older ones that could not be written come again, and it must not be put before them. One that did not come in the turn of sending
   * that began since then never does, and is waited for no more.
   * @param turn of the numbering's sender, another one whenever it begins again with what has no answer
   */
  isEarly(seq: number, turn: number): boolean;
  /** It was put, and is to be answered as then. */
  has(seq: number): boolean;
  /** A large one of it is being stored, or others wait until it is. */
  readonly isBusy: boolean;
}

/** Told once what became of a put: only after it is on the disk, or certainly is not. */
export interface PutSink {
  onPut(token: number, outcome: Outcome, detail: OutcomeDetail | null): void;
}

/** A client of a queue as the queue sees it. */
export interface QueueConsumerSpec {
  /** Told in health and management. */
  readonly client: string;
  readonly browse: boolean;
  /**
   * A JMS selector, already checked. Of a large message it sees the first part (32 KiB): a section that ends behind it is as if it were
   * not there, or selects nothing.
   */
  readonly selector: string | null;
  /** Messages whose publisher has this tag are not for it (no-local); 0 for none. */
  readonly notFrom: number;
  /** Names the endpoint of its client's link: what that can never take it is not given when it comes back either; 0 for none. */
  readonly endpoint: number;
  /** It asks to be the only one: true is refused when there is another, `takeOver` ends the others. */
  readonly exclusive: boolean | 'takeOver';
  /** Settles on delivery. */
  readonly settled: boolean;
  /** It is at the home's own node. */
  readonly near: boolean;
  readonly messageBytesMax: number;
}

/** Where a queue's deliveries to one consumer go. */
export interface QueueSink {
  /** How many more deliveries it takes now. */
  credit(): number;
  /**
   * One message, with its header as it has to be told (delivery-count); copied or written out before return.
   * @param topic that it was published to, the same string for many; null where the queue was not told of one
   */
  deliver(token: number, payload: Buffer, start: number, end: number, topic: string | null): void;
  /**
   * A large message; the sink retains `body` until it is written out. Reading it throws when the store cannot (a FairleadError of a
   * damaged queue, or what the store says while it is being opened again): the delivery cannot be completed then.
   */
  deliverLarge(token: number, body: LargeBody, topic: string | null): void;
  /** The outcome of a delivery is in force and on the disk; told where {@link QueueConsumer.settle} asked for it. */
  onSettled(token: number, error: FairleadError | null): void;
  /** The queue can no longer be served to it: deleted, damaged, moved, or another exclusive consumer has come. */
  onGone(error: FairleadError): void;
}

/** A consumer at its queue. Tokens are small non-negative integers, used again after they are settled. */
export interface QueueConsumer {
  /** Credit has come: deliver what waits. */
  pump(): void;
  /** Nothing that it could be given now waits, or is on its way from the disk: its credit may be given back (drain). */
  readonly idle: boolean;
  /** Messages that wait in the queue. */
  readonly waiting: number;
  /** @param confirm `onSettled` is wanted */
  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm: boolean): void;
  /**
   * What it has not settled goes back to its place.
   * @param failed it died: the deliveries count as failed attempts
   * @param closed its link is over: when one of that name comes again it is another endpoint
   */
  close(failed: boolean, closed?: boolean): void;
}

/** A message as an operator sees it. */
export interface PeekedMessage {
  /** Names the message within its queue. */
  readonly id: number;
  readonly priority: number;
  readonly deliveryCount: number;
  readonly bytes: number;
  /** Wall-clock ms; null when it never expires. */
  readonly expiresAt: number | null;
  readonly state: 'ready' | 'delayed' | 'acquired';
  /** Its first bytes, sections as they came. */
  readonly payload: Buffer;
}

/** Messages that are lost to a queue for good and were not accepted by a consumer, expired ones aside. */
export interface QueueDrops {
  /** The oldest, to make room; or one of an intake's puts that was more than the queue may hold. */
  readonly limit: number;
  /** Delivered as often as may be, without an address for dead letters. */
  readonly maxDeliveries: number;
  /** Rejected by a consumer, without an address for dead letters. */
  readonly rejected: number;
  /** Could not be stored, or not be sent to the address for dead letters. */
  readonly failed: number;
}

/** State of one queue, for health, metrics and management. */
export interface QueueView {
  readonly name: string;
  readonly state: 'open' | 'damaged';
  readonly temporary: boolean;
  readonly depth: number;
  readonly bytes: number;
  readonly ready: number;
  readonly delayed: number;
  readonly acquired: number;
  readonly consumers: number;
  readonly put: number;
  readonly removed: number;
  readonly expired: number;
  readonly deadLettered: number;
  /** The sum of `drops`. */
  readonly dropped: number;
  readonly drops: QueueDrops;
  readonly duplicates: number;
}

/**
 * Says which queues of this host want a message that is put into an intake.
 * @param topic what stands before the message
 * @param payload the message in [start, end); of a large one its first bytes
 */
export type Route = (topic: string, payload: Buffer, start: number, end: number, publisher: number) => readonly Queue[];

/** A queue at its home. */
export interface Queue {
  readonly name: string;
  readonly policy: QueuePolicy;
  /**
   * The mark of an origin's puts, made on first use.
   * @param comesAgain the origin has what it puts on its disk: what could not be written is told `undelivered`, and taken when it is put again
   */
  mark(origin: string, epoch: number, comesAgain?: boolean): PutMark;
  /**
   * Puts an encoded AMQP message in [start, end), copied before return.
   * @param publisher tag of the client that sent it, for no-local; 0 for none
   * @param mark and `seq` name the put of another node; null for a publisher here
   * @param age ms that it was on its way here from where it came into the mesh: its time to live, and its delay, count from then
   * @param topic so many of the first bytes are the topic that the message was published to: consumers are told of it
   * @param others who have it too; only into an intake, and of a publisher here
   */
  put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    mark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age?: number,
    topic?: number,
    others?: CoHolder | null,
  ): void;
  /** The same of a large message, which is retained until it is stored. @param topic null where there is none */
  putLarge(
    body: LargeBody,
    publisher: number,
    mark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age?: number,
    topic?: Buffer | null,
    others?: CoHolder | null,
  ): void;
  /** One more message of so many bytes would be refused, for a limit. */
  isFull(bytes: number): boolean;
  /** Messages that may still be put before a limit is reached: credit for publishers; 0 while they are to wait. */
  readonly room: number;
  /** @throws FairleadError when it cannot be consumed so */
  consume(spec: QueueConsumerSpec, sink: QueueSink): QueueConsumer;
  setPolicy(policy: QueuePolicy): void;
  view(): QueueView;
  peek(count: number, fromId: number): readonly PeekedMessage[];
  /** Drops what is not acquired, in turns of its own. @param done told how many, once they are gone from the disk */
  purge(done: (count: number, error: Error | null) => void): void;
  /**
   * Moves up to `count` of what is ready now to another address, in order: to a queue of this host at once and whatever its limits, else
   * one by one as they are accepted there.
   * @param done told how many were moved, and what went wrong with the others
   */
  move(to: string, count: number, done: (count: number, error: Error | null) => void): void;
  /** The same with dead letters: each goes back to the address that it came from; what is no dead letter stays. */
  retryDead(count: number, done: (count: number, error: Error | null) => void): void;
}

/** Puts and settlements that come into force together, or not at all. */
export interface QueueTransaction {
  /**
   * Keeps a copy of the message until the commit; an intake's is routed then.
   * @param others who have it too, of what is put into an intake
   * @throws FairleadError when there is too much in one transaction
   */
  put(queue: Queue, payload: Buffer, start: number, end: number, publisher: number, others?: CoHolder | null): void;
  /** The same of a large one, which is retained until it is stored; that begins at once, and a commit waits for it. */
  putLarge(queue: Queue, body: LargeBody, publisher: number, others?: CoHolder | null): void;
  /** The consumer does not have the delivery any more; its token is free after the end of the transaction. @throws FairleadError */
  settle(consumer: QueueConsumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /**
   * @param done told once, never within the call: null when all is on the disk, else why nothing of it is
   * @param within called when all of it is in one group of the store, within this call or later: what others {@link QueueHost.join} to
   * it meanwhile shares its fate; not called when nothing of it can be done
   */
  commit(done: (error: FairleadError | null) => void, within?: () => void): void;
  /** Nothing is put, and what was settled counts as a failed delivery. */
  rollback(): void;
}

/** Records of others in the store of queues: how they go to the disk with what queues change. */
export interface GroupCompanion {
  /** The group ends: what else has to be in it is put into the store now. */
  closing(): void;
  /** @param error null when all of the group is on the disk; else nothing of it is, or will be */
  done(error: Error | null): void;
}

/** A large message of others, whose parts are on their way to the disk, or there. */
export interface StagedBody {
  /** Names it in the store. */
  readonly id: number;
  readonly length: number;
  /** A record that is put into the group of this turn has it. Only once it was told to be stored. */
  adopt(): void;
  /** Nobody will have it. */
  abandon(): void;
}

/** Large messages that others than queues keep. */
export interface LargeBodies {
  /**
   * Stores the parts, one message after the other, in turns of its own; until it is adopted nothing of it outlives a crash.
   * @param body retained until then
   * @param told once, never within the call: null when it may be adopted, else why it cannot be stored; not after `abandon`
   */
  stage(body: LargeBody, told: (refusal: OutcomeDetail | null) => void): StagedBody;
  /** @returns a stored one, held once by the caller; reading it throws when the store cannot */
  open(id: number, length: number): LargeBody;
  /** From the group of this turn on no record has it; its parts stay until nobody reads them. */
  discard(id: number, length: number): void;
}

/** All queues whose home is this node. Pure: time, disk and the way to other addresses are ports. */
export interface QueueHost {
  /** The queue of a name, made on first use. @throws FairleadError when its records are damaged */
  open(name: string, policy: QueuePolicy): Queue;
  /** One that lives in memory, with its messages, until it is deleted. */
  openTemporary(name: string, policy: QueuePolicy): Queue;
  /**
   * A queue that holds nothing itself, made on first use: what is put, `[u16 length][topic][message]`, goes to every queue that `route`
   * names, in one group with the put's mark, and is answered when that is on the disk. One of them would refuse it: refused as a whole,
   * where `mark` is null; else dropped for that queue alone, and counted there. None named: accepted.
   * It is found by its name, but is neither in `views` nor in `stored`; it cannot be consumed, moved or looked into.
   * @throws FairleadError when its records are damaged
   */
  intake(name: string, route: Route): Queue;
  find(name: string): Queue | null;
  /** Queues that were not made, for there were as many as may be or their name was too long. */
  readonly refused: number;
  /** Names of the queues on the disk, opened or not; without intakes. */
  readonly stored: readonly string[];
  /** Deletes a queue with all its messages: at once for everybody, on the disk in turns of its own. */
  delete(name: string): void;
  /** A unit of work over queues of this host. */
  transaction(): QueueTransaction;
  /**
   * What was put into the store in this call of the caller, and what is until `closing`, goes to the disk with what queues change: all
   * of it or nothing. Nobody else commits groups of the store.
   * @param mayWait it may wait some ms for something that somebody waits for
   */
  join(companion: GroupCompanion, mayWait: boolean): void;
  readonly bodies: LargeBodies;
  readonly messages: SharedMessages;
  readonly moves: QueueMoves;
  /** Ends cleanly, when no more is put: what consumers still have counts as failed. @param done told when all is on the disk */
  stop(done: (error: Error | null) => void): void;
  views(): readonly QueueView[];
  /** Ends the turn: what it changed is committed. */
  flush(): void;
  tick(now: number): void;
  deadline(): number;
  /** False while something is not on the disk yet. */
  readonly settled: boolean;
  /** Bytes of messages that wait in memory. */
  readonly windowBytes: number;
}

/** What queues are built on, beside their store. */
export interface QueueHostEvents {
  /** A queue was made, or deleted: others are told where it lives. */
  onQueue(name: string, exists: boolean): void;
  /** `room` of a queue has become 0, or is above it again. */
  onRoom(queue: Queue): void;
  /**
   * Sends a message to an address that is no queue of this host, for dead letters.
   * @param done told its outcome; until then the message stays where it is
   */
  forward(address: string, payload: Buffer, done: (outcome: Outcome) => void): void;
  /** The same of a large message; `body` is valid until `done` is called, or is retained. */
  forwardLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void;
  /** Records of a queue are damaged: its consumers were told, its publishers have no room any more and their puts are refused. */
  onDamage(queue: Queue, error: FairleadError): void;
}
