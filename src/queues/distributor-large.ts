import { invariant } from '../common/errors';
import type { LargeBody, OutcomeDetail } from '../streams/contract';
import { TailBody } from '../streams/framed-body';
import type { CoHolder } from './co-holder';
import { type Group, NOBODY } from './group';
import type { HomeQueue } from './home-queue';
import type { PlacedLarge, StagedLarge } from './large-intake';
import { LargePut, type LargePutHome } from './large-put';
import { LARGE_HEAD_BYTES } from './limits';
import type { PutAnswers, PutOrigin } from './put-answers';
import type { QueueHome } from './queue-home';
import type { Refusal } from './refusals';
import type { QueueStore } from './store-port';
import { LENGTH_BYTES, messageAfterTopic, topicStart } from './topic-head';

/** Of what lies in parts on the disk. */
const NO_BODY: LargeBody = { length: 0, read: () => 0, retain: () => undefined, release: () => undefined };

const head = Buffer.allocUnsafe(LENGTH_BYTES + 0xffff + LARGE_HEAD_BYTES);

/** The beginning of what is put: its topic, and of its message what a queue reads. Valid until the next call. */
export function headOf(body: LargeBody): Buffer {
  return head.subarray(0, body.read(0, head.subarray(0, Math.min(head.length, body.length))));
}

/** A large message whose parts are being stored: it has its place in each of the queues already. */
interface PendingLarge {
  readonly put: LargePut;
  /** The number of its parts. */
  readonly body: number;
  readonly length: number;
  /** All that is put before it, for others. */
  readonly before: Buffer;
  readonly origin: PutOrigin;
  readonly places: readonly PlacedLarge[];
}

/** Large messages of an intake: their parts are stored once, and each of the queues has them. */
export class LargeDistribution implements LargePutHome {
  /** In the order they came. */
  readonly #pending: PendingLarge[] = [];

  constructor(
    private readonly home: QueueHome,
    private readonly store: QueueStore,
    private readonly answers: PutAnswers,
    private readonly wantsTurn: () => void,
  ) {}

  /** @param start of the message, which all of them take @param before all that is put before it, for others */
  put(
    body: LargeBody,
    topic: Buffer,
    start: Buffer,
    before: Buffer,
    publisher: number,
    takers: readonly HomeQueue[],
    origin: PutOrigin,
    age: number,
  ): void {
    for (const queue of takers) if (queue.temporary) queue.putLarge(body, publisher, null, 0, NOBODY, 0, age, topic);
    const stored = takers.filter(({ temporary }) => !temporary);
    if (stored.length === 0 && origin.others === null) {
      this.answers.answer(origin, false);
      return;
    }
    const id = this.home.large.begin(body.length);
    const places = stored.map((queue) => queue.intake.large.place(start, body.length, publisher, id, age, topic));
    origin.mark?.storing(origin.seq, true);
    body.retain();
    const put = new LargePut(this, null, id, body, 0);
    this.#pending.push({ put, body: id, length: body.length, before, origin, places });
    this.wantsTurn();
  }

  /** One that is being stored is answered when it is, to whom asked last. */
  isPending({ sink, token, mark, seq }: PutOrigin): boolean {
    const pending = this.#pending.find(({ origin }) => origin.mark === mark && origin.seq === seq);
    if (pending === undefined) return false;
    pending.origin.sink = sink;
    pending.origin.token = token;
    return true;
  }

  turn(): void {
    const { store, home, wantsTurn } = this;
    this.#pending[0]?.put.turn({ store, home, wantsTurn });
  }

  change(): Group {
    return this.answers.change();
  }

  staged(put: LargePut): void {
    const { origin, places, body, length, before } = this.#end(put);
    this.#adopt(body, length, places.filter((place) => place.stored()).length, before, origin.others);
    this.answers.answer(origin, true);
  }

  /** @param holders queues that have it */
  #adopt(body: number, length: number, holders: number, before: Buffer, others: CoHolder | null): void {
    const all = holders + (others?.holders ?? 0);
    if (all > 0) this.home.large.adopt(body, all);
    else this.home.large.discard(body, length);
    others?.enterLarge(before, body, length);
  }

  failed(put: LargePut, refusal: Refusal): void {
    const { origin, places, body, length } = this.#end(put);
    this.home.large.discard(body, length);
    for (const place of places) place.failed(refusal);
    this.answers.notStored(origin, refusal);
  }

  #end(put: LargePut): PendingLarge {
    const at = this.#pending.findIndex((pending) => pending.put === put);
    const [pending] = this.#pending.splice(at, 1);
    invariant(at >= 0 && pending !== undefined, 'a large message of an intake is stored once');
    const { mark, seq } = pending.origin;
    if (mark !== null) {
      mark.storing(seq, false);
      this.answers.changed(mark);
    }
    if (this.#pending.length > 0) this.wantsTurn();
    return pending;
  }

  // Of transactions.

  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    const start = Buffer.from(headOf(body));
    const at = messageAfterTopic(start, 0, start.length);
    const behind = new TailBody(body, Math.min(at, body.length));
    const stored = this.home.bodies.stage(behind, told);
    return { head: start, length: body.length, publisher, stored, body: behind, abandon: () => stored.abandon() };
  }

  /** @param at where in its beginning the message does, behind its topic */
  putStaged(
    { head: beginning, publisher, stored }: StagedLarge,
    at: number,
    takers: readonly HomeQueue[],
    others: CoHolder | null,
  ): void {
    invariant(stored !== null, 'an intake stores what is staged');
    const start = beginning.subarray(at, at + LARGE_HEAD_BYTES);
    const { id, length } = stored;
    for (const queue of takers)
      queue.intake.large.putStored(
        start,
        length,
        publisher,
        id,
        queue.temporary ? this.home.bodies.open(id, length) : NO_BODY,
        beginning.subarray(topicStart(beginning, 0, at), at),
      );
    const holders = takers.filter(({ temporary }) => !temporary).length;
    this.#adopt(id, length, holders, beginning.subarray(0, at), others);
  }
}
