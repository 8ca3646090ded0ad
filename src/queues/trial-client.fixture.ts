import type { SeededRandom } from '../common/ports';
import { decodeMessage } from '../message/decode-message';
import type { Message } from '../message/message';
import type { LargeBody } from '../streams/contract';
import type { QueueConsumer, QueuePolicy, QueueSink } from './contract';
import { bytesOf } from './queues.fixture';

export interface TrialOptions {
  readonly early: boolean;
  readonly large: boolean;
  /** How many messages of a lane wait in memory. */
  readonly window: number;
  readonly lying?: boolean;
  readonly policy: Partial<QueuePolicy>;
}

/** What is known of a message in a queue; every message has a text of its own, one of an intake that of its message and its queue. */
export interface Known {
  readonly text: string;
  readonly queue: string;
  readonly sender: number;
  readonly order: number;
  readonly priority: number;
  put: 'pending' | 'accepted' | 'rejected' | 'unknown';
  /** Settled so that it must not come back, or perhaps so. */
  end: 'none' | 'asked' | 'certain';
  /** Lives in which it was delivered. */
  readonly livesDelivered: Set<number>;
  /** Failed deliveries that were told in this life. */
  failures: number;
  /** The same in all lives. */
  failuresEver: number;
  /** Failures cannot be told exactly: a transaction had it. */
  isInexact: boolean;
  /** It was dropped or moved by a rule: it may be among the dead letters. */
  mayBeDead: boolean;
  holder: TrialConsumer | null;
  remote: RemotePut | null;
  transaction: TrialTransaction | null;
}

/** A put of another node, under one numbering for each place that it puts to. */
export interface RemotePut {
  readonly to: string;
  readonly seq: number;
  readonly bytes: Buffer;
  readonly isLarge: boolean;
  readonly knowns: readonly Known[];
}

export interface TrialTransaction {
  readonly puts: Known[];
  readonly settled: Known[];
  state: 'open' | 'committing' | 'done' | 'failed' | 'unknown';
  life: number;
}

/** Told what a client of the trial is given. */
export interface TrialWatch {
  delivered(consumer: TrialConsumer, token: number, message: Message): void;
}

/** A client of the trial: remembers what it has. */
export class TrialConsumer implements QueueSink {
  credits: number;
  isGone = false;
  readonly held = new Map<number, Known>();
  readonly confirming = new Map<number, Known>();
  /** The last first delivery, by sender and priority. */
  readonly last = new Map<string, number>();
  link!: QueueConsumer;

  constructor(
    private readonly trial: TrialWatch,
    readonly queue: string,
    readonly browse: boolean,
    readonly red: boolean,
    credits: number,
  ) {
    this.credits = credits;
  }

  /** Gives away one of what it holds; undefined when that is nothing. */
  takeHeld(random: SeededRandom): [token: number, known: Known] | undefined {
    const held = [...this.held];
    const found = held[random.below(Math.max(1, held.length))];
    if (found !== undefined) this.held.delete(found[0]);
    return found;
  }

  credit(): number {
    return this.credits;
  }

  deliver(token: number, payload: Buffer, start: number, end: number): void {
    this.credits--;
    this.trial.delivered(this, token, decodeMessage(Buffer.from(payload.subarray(start, end))));
  }

  deliverLarge(token: number, body: LargeBody): void {
    this.credits--;
    this.trial.delivered(this, token, decodeMessage(bytesOf(body)));
  }

  onSettled(token: number): void {
    const known = this.confirming.get(token);
    this.confirming.delete(token);
    if (known !== undefined && known.end === 'asked') known.end = 'certain';
  }

  onGone(): void {
    this.isGone = true;
  }
}
