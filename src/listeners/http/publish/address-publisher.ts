import { PENDING, type AddressRef, type Publisher, type PublisherHandler } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../../streams/contract';
import type { Deadline, Deadlines } from '../../edge/deadlines';
import type { HttpEdgeOptions } from '../http-options';
import { HttpError } from '../errors';

/** What became of a message. */
export interface Told {
  readonly outcome: Outcome;
  readonly detail: OutcomeDetail | null;
}

interface Waiter extends Deadline {
  resolve(): void;
  reject(error: FairleadError): void;
}

interface Asking {
  resolve(told: Told): void;
  reject(error: FairleadError): void;
}

const ACCEPTED: Told = { outcome: OUTCOME.accepted, detail: null };

const NO_CREDIT =
  'the address takes no more messages now: an anycast address has no consumer, a queue is full or its home away, or consumers do not keep up';

/** What the requests of one connection publish to one address. */
export class AddressPublisher implements PublisherHandler {
  readonly #publisher: Publisher;
  readonly #deadlines: Deadlines;
  #credit = 0;
  #waiting: Waiter[] = [];
  readonly #pending = new Map<number, Asking>();
  #token = 0;
  #held = false;
  #onFree: (() => void) | null = null;
  #gone: FairleadError | null = null;

  /** @throws AddressError */
  constructor(
    private readonly options: HttpEdgeOptions,
    address: string,
    client: string,
  ) {
    const { addresses, budget, deadlines } = options;
    this.#deadlines = deadlines;
    this.#publisher = addresses.openPublisher({ address, hint: null, client }, this);
    budget.links++;
  }

  get ref(): AddressRef {
    return this.#publisher.address as AddressRef;
  }

  get isGone(): boolean {
    return this.#gone !== null;
  }

  // --- what the mesh says ----------------------------------------------------------------------------------------------------

  onCredit(more: number): void {
    this.#credit += more;
    while (this.#credit > 0 && this.#waiting.length > 0) {
      this.#credit--;
      this.#leave(this.#waiting[0] as Waiter).resolve();
    }
  }

  onOutcome(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const asking = this.#pending.get(token);
    this.#pending.delete(token);
    asking?.resolve({ outcome, detail });
  }

  onHold(hold: boolean): void {
    this.#held = hold;
    if (!hold) this.#release();
  }

  onGone(error: FairleadError): void {
    this.#end(error);
  }

  // --- what requests ask -----------------------------------------------------------------------------------------------------

  /** Waits for credit for one message. @throws FairleadError when there is none in time, or the address has gone */
  async credit(withinMs: number): Promise<void> {
    if (this.#gone !== null) throw this.#gone;
    if (this.#credit > 0 && this.#waiting.length === 0) {
      this.#credit--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        dueAtMs: this.#deadlines.now() + withinMs,
        onDue: () => this.#leave(waiter).reject(new HttpError('FL_HTTP_BUSY', NO_CREDIT)),
        resolve,
        reject,
      };
      this.#waiting.push(waiter);
      this.#deadlines.add(waiter);
    });
  }

  #leave(waiter: Waiter): Waiter {
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    this.#deadlines.remove(waiter);
    return waiter;
  }

  /** Gives back a credit that was waited for and is not used. */
  unused(): void {
    this.onCredit(1);
  }

  /** Publishes one whole message, by a credit that was waited for. */
  publish(flags: number, payload: Buffer): Promise<Told> {
    const token = this.#next();
    const verdict = this.#publisher.publish(this.ref, flags, payload, 0, payload.length, token);
    return this.#told(token, verdict);
  }

  /** Begins a large message; one at a time. */
  begin(flags: number): number {
    const token = this.#next();
    this.#publisher.begin(this.ref, flags, token);
    return token;
  }

  /** Resolves when more may come. @throws FairleadError when the address has gone */
  async part(payload: Buffer): Promise<void> {
    if (this.#gone !== null) throw this.#gone;
    this.#publisher.part(payload, 0, payload.length);
    if (this.#held) await new Promise<void>((resolve) => (this.#onFree = resolve));
  }

  /** @throws FairleadError when the address has gone */
  end(token: number): Promise<Told> {
    if (this.#gone !== null) throw this.#gone;
    return this.#told(token, this.#publisher.end());
  }

  abort(): void {
    if (this.#gone === null) this.#publisher.abort();
  }

  #next(): number {
    this.#token = (this.#token + 1) >>> 0;
    return this.#token;
  }

  #told(token: number, verdict: number): Promise<Told> {
    if (verdict === OUTCOME.accepted) return Promise.resolve(ACCEPTED);
    if (verdict !== PENDING) return Promise.resolve({ outcome: verdict as Outcome, detail: null });
    return new Promise((resolve, reject) => this.#pending.set(token, { resolve, reject }));
  }

  #release(): void {
    const onFree = this.#onFree;
    this.#onFree = null;
    onFree?.();
  }

  close(): void {
    if (this.#gone !== null) return;
    this.#publisher.close();
    this.#end(new HttpError('FL_HTTP_REQUEST', 'the connection has ended'));
  }

  #end(error: FairleadError): void {
    this.#gone = error;
    this.options.budget.links--;
    for (const waiter of [...this.#waiting]) this.#leave(waiter).reject(error);
    for (const asking of this.#pending.values()) asking.reject(error);
    this.#pending.clear();
    this.#release();
  }
}
