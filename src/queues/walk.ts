import type { AmqpMap } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { decodeMessage } from '../message/decode-message';
import { OUTCOME, type Outcome } from '../streams/contract';
import { ANNOTATION, type DeadLetters } from './dead-letters';
import type { Dispatcher } from './dispatcher';
import { ENTRY, type Entry } from './entry';
import { NotTakenError } from './errors';
import { FORWARDS_MAX, REFUSED_ADDRESSES_MAX, WALK_PER_TURN } from './limits';
import type { QueueCore } from './queue-core';
import { addedOf, messageOf } from './record';
import { decodeAnnotations } from './redelivery';
import { SCAN, Scanner, type ScanVerdict, type ScanVisitor } from './scanner';
import { seqOf } from './spaces';

export type WalkDone = (count: number, error: Error | null) => void;

/** Where messages are to go: an address for all, or said of each; null where one stays. */
export type Destination = string | ((entry: Entry) => string | null);

/** The address that a dead letter came from; null for what is no dead letter. */
export function originOfDead({ record, isLarge }: Entry): string | null {
  const annotations = isLarge ? decodeAnnotations(addedOf(record)) : annotationsOf(messageOf(record));
  const origin = annotations?.named(ANNOTATION.origin);
  return typeof origin === 'string' ? origin : null;
}

/** What cannot be read has no annotations. */
function annotationsOf(message: Buffer): AmqpMap | null {
  try {
    return decodeMessage(message).messageAnnotations ?? null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** Moves messages that are ready to other addresses, some in each turn. */
export class MoveWalk implements ScanVisitor {
  readonly #scanner: Scanner;
  /** Only what was there when it began. */
  readonly #lastSeq: number;
  #moved = 0;
  #sent = 0;
  #failed = 0;
  /** Addresses that did not take one: the others for them stay. */
  readonly #refused = new Set<string>();
  #left: number;

  constructor(
    private readonly core: QueueCore,
    private readonly dead: DeadLetters,
    private readonly destination: Destination,
    most: number,
    private readonly done: WalkDone,
  ) {
    this.#scanner = new Scanner(core.ready, this, false);
    this.#lastSeq = core.state.lastSeq;
    this.#left = most;
  }

  wants(): boolean {
    return true;
  }

  verdict(entry: Entry): ScanVerdict {
    if (this.#sent >= FORWARDS_MAX) return SCAN.stop;
    if (seqOf(entry.key) > this.#lastSeq) return SCAN.skip;
    const address = this.#addressOf(entry);
    return address === null || this.#refused.has(address) ? SCAN.skip : SCAN.take;
  }

  #addressOf(entry: Entry): string | null {
    return typeof this.destination === 'string' ? this.destination : this.destination(entry);
  }

  take(entry: Entry): void {
    const { core } = this;
    const address = this.#addressOf(entry) ?? '';
    entry.state = ENTRY.acquired;
    core.acquired++;
    const target = core.home.local(address);
    if (target === null) {
      this.#forward(entry, address);
      return;
    }
    core.acquired--;
    core.removed++;
    this.#moved++;
    this.dead.moveTo(target, entry, null);
  }

  #forward(entry: Entry, address: string): void {
    const { core } = this;
    this.#sent++;
    const done = (outcome: Outcome): void => {
      this.#sent--;
      if (core.error !== null) return;
      core.acquired--;
      if (outcome === OUTCOME.accepted) {
        this.#moved++;
        core.removed++;
        core.remove(entry);
        core.finish(entry);
      } else {
        this.#failed++;
        this.#refused.add(address);
        core.ready.returned(entry);
      }
      core.wantsTurn();
    };
    if (entry.isLarge) core.home.forwardLarge(address, core.openBody(entry, -1), done);
    else core.home.forward(address, Buffer.from(messageOf(entry.record)), done);
  }

  /** @returns whether it is over */
  turn(): boolean {
    if (this.core.isUnreadable) return false;
    this.#scanner.budget = WALK_PER_TURN;
    // What was not taken is back in its place; it is not tried again in this walk.
    if (!this.#isRefused) this.#left -= this.#scanner.find(Math.min(this.#left, WALK_PER_TURN));
    const isOver = this.#isRefused || this.#left <= 0 || this.#scanner.atEnd;
    if (!isOver || this.#sent > 0) {
      if (this.#sent < FORWARDS_MAX && !isOver) this.core.wantsTurn();
      return false;
    }
    this.core.touch();
    const refused = this.#failed === 0 ? null : new NotTakenError([...this.#refused], this.#failed, this.#moved);
    this.core.group.waiting.push({ done: (error) => this.done(this.#moved, error ?? refused) });
    return true;
  }

  /** Nothing more is to be tried. */
  get #isRefused(): boolean {
    return this.#failed > 0 && (typeof this.destination === 'string' || this.#refused.size >= REFUSED_ADDRESSES_MAX);
  }

  end(error: Error): void {
    this.done(this.#moved, error);
  }
}

/** Drops what no consumer has, some in each turn. */
export class PurgeWalk {
  readonly #lastSeq: number;
  #count = 0;

  constructor(
    private readonly core: QueueCore,
    private readonly dispatcher: Dispatcher,
    private readonly purgeDelayed: (most: number) => number,
    private readonly done: WalkDone,
  ) {
    this.#lastSeq = core.state.lastSeq;
    dispatcher.recall();
  }

  /** @returns whether it is over */
  turn(): boolean {
    if (this.core.isUnreadable) return false;
    this.dispatcher.recall();
    let left = WALK_PER_TURN;
    for (const lane of this.core.ready.lanes) {
      for (; left > 0; left--) {
        const entry = this.core.ready.first(lane);
        if (entry === undefined || entry.key - lane.base > this.#lastSeq) break;
        lane.shift();
        this.core.remove(entry);
        this.core.finish(entry);
        this.#count++;
      }
      if (left <= 0) break;
    }
    if (left > 0) {
      const delayed = this.purgeDelayed(left);
      this.#count += delayed;
      left -= delayed;
    }
    if (left <= 0) {
      this.core.wantsTurn();
      return false;
    }
    this.core.touch();
    this.core.group.waiting.push({ done: (error) => this.done(this.#count, error) });
    return true;
  }

  end(error: Error): void {
    this.done(this.#count, error);
  }
}
