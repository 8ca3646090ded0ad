import { addressOfDestination } from '../../message/mapping/stomp-destination';
import {
  PENDING,
  PUBLISH_FLAG,
  type AddressRef,
  type Publisher,
  type PublisherHandler,
  type Transaction,
  type Verdict,
} from '../../addresses/contract';
import type { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';
import { Gathering } from '../edge/gathering';
import { hintOf } from './destinations';
import { StompError } from './errors';
import type { FrameHead } from './frame';
import { DESTINATIONS_CACHED_MAX } from './limits';
import { SentHead } from './message-in';
import type { Session } from './session';
import type { Subscriptions } from './subscriptions';
import type { Temporaries } from './temporaries';
import type { Transactions } from './transactions';

/** Larger messages are streamed on. */
const WHOLE_BYTES_MAX = 48 * 1024;
const TOKEN_MAX = 0x3fff_ffff;

/** A SEND on its way in. */
interface Coming {
  readonly to: AddressRef;
  readonly sent: SentHead;
  readonly flags: number;
  readonly token: number;
  readonly transaction: Transaction | null;
  readonly receipt: string | undefined;
  /** Of its body; -1 where nobody knows. */
  readonly length: number;
  streaming: boolean;
}

/**
 * What a client sends. A SEND that asks for a receipt gets it when the mesh has accepted the message; of one that does not, nobody is
 * told what becomes of it.
 */
export class Sends implements PublisherHandler {
  readonly #publisher: Publisher;
  readonly #gathering: Gathering;
  #credit = 0;
  #held = false;
  #token = 0;
  #coming: Coming | null = null;
  /** By the token of the message. */
  readonly #receipts = new Map<number, string>();
  #last: SentHead | null = null;
  #lastTo: AddressRef | null = null;
  readonly #targets = new Map<string, AddressRef>();

  constructor(
    private readonly session: Session,
    private readonly transactions: Transactions,
    private readonly temporaries: Temporaries,
    private readonly subscriptions: Subscriptions,
  ) {
    this.#gathering = new Gathering(session.budget);
    const { addresses, client } = session;
    this.#publisher = addresses.openPublisher({ address: null, hint: null, client }, this);
  }

  // --- credit and outcomes -------------------------------------------------------------------------------------------------

  /** A further SEND may come in. */
  get ready(): boolean {
    return this.#credit > 0 && !this.#held;
  }

  onCredit(more: number): void {
    this.#credit += more;
    // While it is made nobody waits yet.
    if (this.#credit === more) this.session.goOn();
  }

  onHold(hold: boolean): void {
    this.#held = hold;
    if (!hold) this.session.goOn();
  }

  /** The large message that comes in is to come no further for now. */
  get held(): boolean {
    return this.#held;
  }

  onOutcome(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const receipt = this.#receipts.get(token);
    if (receipt === undefined) return;
    this.#receipts.delete(token);
    this.#answer(receipt, outcome, detail);
    this.session.finished();
  }

  #answer(receipt: string | undefined, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (outcome === OUTCOME.accepted) this.session.receipt(receipt);
    else this.session.fail(refused(outcome, detail), receipt);
  }

  onGone(error: FairleadError): void {
    this.session.fail(error);
  }

  // --- messages ------------------------------------------------------------------------------------------------------------

  /** One whole message. @throws FairleadError */
  whole(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const coming = this.#begin(head, end - start);
    if (end - start > WHOLE_BYTES_MAX) {
      this.#stream(coming);
      this.#part(coming, bytes, start, end);
      this.#end(coming);
    } else this.#publish(coming, bytes, start, end);
  }

  /** One whose body comes in parts. @throws FairleadError */
  begin(head: FrameHead, length: number): void {
    this.#coming = this.#begin(head, length);
    if (length > WHOLE_BYTES_MAX) this.#stream(this.#coming);
  }

  part(bytes: Buffer, start: number, end: number): void {
    const coming = this.#coming as Coming;
    if (coming.streaming && coming.length >= 0) {
      this.#part(coming, bytes, start, end);
      return;
    }
    this.#gathering.add(bytes, start, end);
    if (this.#gathering.full) this.#flushGathered(coming);
  }

  /** Gathered as much as it is worth: of a body whose length is not known each such part is a section of its own. */
  #flushGathered(coming: Coming): void {
    if (!coming.streaming) this.#stream(coming);
    this.#part(coming, this.#gathering.bytes, 0, this.#gathering.length);
    this.#gathering.clear();
  }

  end(): void {
    const coming = this.#coming as Coming;
    this.#coming = null;
    const { bytes, length } = this.#gathering;
    if (!coming.streaming) this.#publish(coming, bytes, 0, length);
    else {
      if (length > 0) this.#part(coming, bytes, 0, length);
      this.#end(coming);
    }
    this.#gathering.clear();
  }

  #begin(head: FrameHead, length: number): Coming {
    const to = this.#target(head);
    const receipt = head.id('receipt');
    const name = head.get('transaction');
    const transaction = name === undefined ? null : this.transactions.find(name);
    const sent = this.#headOf(head, to);
    const settled = receipt === undefined && transaction === null;
    const flags = (settled ? PUBLISH_FLAG.settled : 0) | (sent.durable ? PUBLISH_FLAG.durable : 0);
    this.#token = this.#token === TOKEN_MAX ? 0 : this.#token + 1;
    this.#credit--;
    this.session.counters.messagesIn++;
    return { to, sent, flags, token: this.#token, transaction, receipt, length, streaming: false };
  }

  #publish({ to, sent, flags, token, transaction, receipt }: Coming, bytes: Buffer, start: number, end: number): void {
    const message = sent.whole(bytes, start, end);
    const verdict =
      transaction === null
        ? this.#publisher.publish(to, flags, message, 0, message.length, token)
        : transaction.publish(this.#publisher, to, flags, message, 0, message.length, token);
    this.#onVerdict(verdict, token, receipt, flags);
  }

  #onVerdict(verdict: Verdict, token: number, receipt: string | undefined, flags: number): void {
    if (verdict === PENDING) {
      if (receipt === undefined) return;
      this.session.begun();
      this.#receipts.set(token, receipt);
    } else if ((flags & PUBLISH_FLAG.settled) === 0) this.#answer(receipt, verdict, null);
  }

  #stream(coming: Coming): void {
    const { to, flags, token, transaction, sent, length } = coming;
    if (transaction === null) this.#publisher.begin(to, flags, token);
    else transaction.begin(this.#publisher, to, flags, token);
    coming.streaming = true;
    this.#give(sent.bytes);
    if (length >= 0) this.#give(sent.sectionOf(length, true));
  }

  #part({ length, sent }: Coming, bytes: Buffer, start: number, end: number): void {
    if (length < 0) this.#give(sent.sectionOf(end - start, false));
    this.#publisher.part(bytes, start, end);
  }

  #give(bytes: Buffer): void {
    if (bytes.length > 0) this.#publisher.part(bytes, 0, bytes.length);
  }

  #end({ token, receipt, flags }: Coming): void {
    this.#onVerdict(this.#publisher.end(), token, receipt, flags);
  }

  // --- destinations --------------------------------------------------------------------------------------------------------

  #target(head: FrameHead): AddressRef {
    const destination = head.required('destination');
    const found = this.#targets.get(destination);
    if (found !== undefined) return found;
    const temporary = this.temporaries.find(destination);
    if (temporary !== null) return temporary;
    const ref = this.session.addresses.resolve(addressOfDestination(destination), hintOf(head.get('destination-type')));
    if (this.#targets.size >= DESTINATIONS_CACHED_MAX)
      for (const oldest of this.#targets.keys()) {
        this.#targets.delete(oldest);
        break;
      }
    this.#targets.set(destination, ref);
    return ref;
  }

  /** What the SEND says beside its body: mostly the same as the one before. @throws FairleadError */
  #headOf(head: FrameHead, to: AddressRef): SentHead {
    if (this.#last?.isOf(head) === true && this.#lastTo === to) return this.#last;
    this.#lastTo = to;
    this.#last = new SentHead(head, `${to.kind}/${to.name}`, this.#replyTo(head));
    return this.#last;
  }

  /** The destination that a temporary one stands for; null for another. */
  #replyTo(head: FrameHead): string | null {
    const destination = head.id('reply-to');
    const temporary = destination === undefined ? null : this.temporaries.find(destination);
    if (destination === undefined || temporary === null) return null;
    this.subscriptions.answersTo(destination);
    return `/${temporary.kind}/${temporary.name}`;
  }

  /** The connection is over. */
  close(): void {
    this.#publisher.close();
    this.#gathering.clear();
    this.#receipts.clear();
    this.#coming = null;
  }
}

function refused(outcome: Outcome, detail: OutcomeDetail | null): StompError {
  const what =
    outcome === OUTCOME.rejected
      ? 'rejected'
      : outcome === OUTCOME.released
        ? 'released: nobody takes it'
        : 'not taken';
  const why = [detail?.condition, detail?.description].filter((part) => part !== undefined).join(': ');
  return new StompError('FL_STOMP_REFUSED', `the message was ${what}${why === '' ? '' : ` (${why})`}`);
}
