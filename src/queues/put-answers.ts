import { OUTCOME } from '../streams/contract';
import type { CoHolder } from './co-holder';
import type { PutSink } from './contract';
import type { Group } from './group';
import type { Mark } from './marks';
import type { HostedQueue, QueueHome } from './queue-home';
import { QueueMarks } from './queue-marks';
import { refusalDetail, type Refusal } from './refusals';
import type { QueueStore } from './store-port';

/** Who is told of a put. */
export interface PutOrigin {
  sink: PutSink;
  token: number;
  readonly mark: Mark | null;
  readonly seq: number;
  /** Who have it too. */
  readonly others: CoHolder | null;
}

/** The host, as the answers of an intake see it. */
export type AnswersHome = Pick<QueueHome, 'group' | 'hurry' | 'touched' | 'later' | 'refuse' | 'giveBack'>;

/** What an intake answers to each put, and remembers with the marks of those who put: when one comes again it is answered as then. */
export class PutAnswers {
  readonly #marks = new QueueMarks();
  #isTouched = false;

  /**
   * @param isPending whether a put that came before is being stored still: it is answered when it is
   * @throws RecordDamagedError
   */
  constructor(
    private readonly home: AnswersHome,
    private readonly store: QueueStore,
    private readonly id: number,
    private readonly intake: HostedQueue,
    private readonly isPending: (origin: PutOrigin) => boolean,
  ) {
    this.#marks.load(store, id);
  }

  mark(origin: string, epoch: number, comesAgain: boolean): Mark {
    const mark = this.#marks.get(origin, epoch);
    mark.comesAgain = comesAgain;
    return mark;
  }

  /** @returns false when the put was made before: it is answered as then */
  advance(origin: PutOrigin): boolean {
    const { sink, token, mark, seq } = origin;
    if (mark === null) return true;
    const isNew = mark.advance(seq);
    if (!isNew && !this.isPending(origin))
      this.home.group(false).repeats.push({ sink, token, mark, seq, sharesFate: false });
    this.#marks.touch(mark);
    this.#touch();
    return isNew;
  }

  /** A put is answered with the group of this turn. */
  answer({ sink, token, mark, seq }: PutOrigin, isStored: boolean): void {
    if (mark === null && !isStored) {
      this.home.later(() => sink.onPut(token, OUTCOME.accepted, null));
      return;
    }
    this.home.group(false).repeats.push({ sink, token, mark, seq, sharesFate: true });
    this.#touch();
  }

  /** It could not be stored. */
  notStored(origin: PutOrigin, refusal: Refusal): void {
    const { sink, token, mark, seq } = origin;
    if (mark?.comesAgain !== true) {
      this.refuse(origin, refusal);
      return;
    }
    mark.notWritten(seq, refusal);
    this.home.giveBack(sink, token, refusal);
  }

  /** A put is refused, and again whenever it comes. */
  refuse({ sink, token, mark, seq, others }: PutOrigin, refusal: Refusal): void {
    others?.refused();
    mark?.refuse(seq, refusal);
    this.home.refuse(sink, token, refusal);
  }

  /** A put of a publisher here is refused as a whole, for one of the queues that were to have it. */
  refuseFor(queue: string, { sink, token, others }: PutOrigin, refusal: Refusal): void {
    others?.refused();
    const { condition = 'amqp:internal-error', description = '' } = refusalDetail(refusal) ?? {};
    this.home.later(() => sink.onPut(token, OUTCOME.rejected, { condition, description: `${queue}: ${description}` }));
  }

  // What groups have of it.

  /** The group of this turn, which has a change now. */
  change(): Group {
    this.#touch();
    return this.home.group(false);
  }

  /** The mark of a put that is as it was told. */
  changed(mark: Mark): void {
    this.#marks.touch(mark);
  }

  /** The intake has a part in the group of this turn. */
  #touch(): void {
    this.home.hurry();
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.home.touched(this.intake);
  }

  /** The group of this turn is committed. */
  write(): void {
    this.#isTouched = false;
    this.#marks.write(this.store, this.id);
  }

  /** What was written has failed with its group. */
  writeAgain(): void {
    this.#marks.touchAll();
    this.#touch();
  }
}
