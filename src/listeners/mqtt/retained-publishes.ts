import type { RetainedMessages } from '../../addresses/client-contract';
import { PENDING, type AddressRef, type Verdict } from '../../addresses/contract';
import type { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';

/** What a retained message waits for: that it is accepted, and that it is kept. */
interface Waiting {
  left: number;
  outcome: Outcome;
  detail: OutcomeDetail | null;
}

/** Messages that are published and kept for those who subscribe later (3.3.1.3): acknowledged when both is done. */
export class RetainedPublishes {
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly retained: RetainedMessages,
    private readonly finish: (token: number, outcome: Outcome, detail: OutcomeDetail | null) => void,
  ) {}

  /**
   * @param end at the beginning for an empty payload, which clears the topic ([MQTT-3.3.1-6])
   * @param publish publishes the same message
   * @returns PENDING where both are waited for; then `finish` tells
   * @throws AddressError when it cannot be kept; it is not published then
   */
  publish(
    topic: AddressRef,
    bytes: Buffer,
    end: number,
    token: number,
    tracked: boolean,
    publish: () => Verdict,
  ): Verdict {
    if (tracked) this.#waiting.set(token, { left: 2, outcome: OUTCOME.accepted, detail: null });
    try {
      this.retained.retain(topic, bytes, 0, end, (error) => this.#kept(token, error));
    } catch (error) {
      this.#waiting.delete(token);
      throw error;
    }
    const verdict = publish();
    if (!tracked) return verdict;
    if (verdict !== PENDING) this.settled(token, verdict, null);
    return PENDING;
  }

  #kept(token: number, error: FairleadError | null): void {
    if (error === null) this.settled(token, OUTCOME.accepted, null);
    else {
      const { condition, message: description } = error;
      this.settled(token, OUTCOME.rejected, condition === undefined ? { description } : { condition, description });
    }
  }

  /** @returns false when nothing of that token is waited for here */
  settled(token: number, outcome: Outcome, detail: OutcomeDetail | null): boolean {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return false;
    if (outcome !== OUTCOME.accepted && waiting.outcome === OUTCOME.accepted) {
      waiting.outcome = outcome;
      waiting.detail = detail;
    }
    if (--waiting.left === 0) {
      this.#waiting.delete(token);
      this.finish(token, waiting.outcome, waiting.detail);
    }
    return true;
  }
}
