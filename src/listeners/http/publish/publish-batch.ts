import { FairleadError } from '../../../common/errors';
import { isEventBatch } from '../../../message/mapping/cloud-events';
import { BodyReader } from '../body-reader';
import { HttpError } from '../errors';
import type { Exchange } from '../exchange';
import type { HttpClient } from '../http-client';
import { BATCH_BYTES_MAX, BATCH_ITEMS_MAX } from '../limits';
import { encodedEvent, encodedWhole, type Encoded } from '../messages';
import type { AddressPublisher } from './address-publisher';
import { elementsOf, linesOf, parsed } from './items';
import { errorOf, wordOf, type OutcomeWord } from './outcome-words';
import { flagsOf, inTime, type PublishWish } from './publish-request';

const LINES = /^application\/(?:x-)?(?:ndjson|jsonl)\s*(;|$)/i;

/** The content type is one of batches. */
export function isBatch(type: string | undefined): boolean {
  return type !== undefined && (isEventBatch(type) || LINES.test(type));
}

/**
 * Publishes the messages of a request as they come in: each when it is whole and there is credit, with an outcome of its own. The first
 * thing that cannot be read ends the batch; what came before it is published.
 */
export class PublishBatch {
  readonly #publisher: AddressPublisher;
  readonly #outcomes: (OutcomeWord | null)[] = [];
  readonly #open: Promise<void>[] = [];

  /** @throws FairleadError when the address cannot be used */
  constructor(
    private readonly exchange: Exchange,
    private readonly client: HttpClient,
    private readonly address: string,
    private readonly wish: PublishWish,
  ) {
    this.#publisher = client.publisher(address);
  }

  /** @throws FairleadError where nothing of the batch could be read */
  async run(): Promise<void> {
    const { exchange, wish } = this;
    const broken = await this.#publish();
    if (broken !== null && this.#outcomes.length === 0) throw broken;
    if (wish.async && broken === null) {
      exchange.json(
        202,
        { messages: this.#outcomes.length, outcome: 'pending' },
        { 'preference-applied': 'respond-async' },
      );
      return;
    }
    await inTime(exchange, Promise.all(this.#open), wish.waitMs).catch(() => undefined);
    const late = wordOf(
      new HttpError('FL_HTTP_OUTCOME', 'the outcome is not known yet: the message may be taken, or not'),
    );
    const outcomes = this.#outcomes.map((word) => word ?? late);
    if (broken !== null) outcomes.push(wordOf(broken));
    const accepted = outcomes.filter(({ outcome }) => outcome === 'accepted').length;
    exchange.json(accepted === outcomes.length ? 202 : 207, { messages: outcomes.length, accepted, outcomes });
  }

  /** @returns what ended the batch early */
  async #publish(): Promise<FairleadError | null> {
    const { headers } = this.exchange.request;
    const { 'content-type': type, 'content-encoding': _encoding, ...shared } = headers;
    const areEvents = isEventBatch(type);
    try {
      const body = new BodyReader(this.exchange, BATCH_BYTES_MAX);
      for await (const item of areEvents ? elementsOf(body) : linesOf(body)) {
        if (this.#outcomes.length >= BATCH_ITEMS_MAX)
          throw new HttpError('FL_HTTP_TOO_LARGE', `more than ${BATCH_ITEMS_MAX} messages in a batch`);
        await this.#add((id) => {
          if (areEvents) return encodedEvent(shared, item, this.address, id);
          parsed(item);
          return encodedWhole({ ...shared, 'content-type': 'application/json' }, item, this.address, id);
        });
      }
      return null;
    } catch (error) {
      if (error instanceof FairleadError) return error;
      throw error;
    }
  }

  /** Publishes one message; one that is wrong in itself has its outcome at once. @throws FairleadError when there is no credit */
  async #add(encode: (id: string | null) => Encoded): Promise<void> {
    const at = this.#outcomes.length;
    this.#outcomes.push(null);
    const { idempotencyKey: key, waitMs } = this.wish;
    let message: Encoded;
    try {
      message = encode(key === null ? null : `${key}/${at}`);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.client.counters.messagesRejected++;
      this.#outcomes[at] = wordOf(error);
      return;
    }
    try {
      await this.#publisher.credit(waitMs);
    } catch (error) {
      this.#outcomes.pop();
      throw error;
    }
    this.client.counters.messagesIn++;
    const told = this.#publisher.publish(flagsOf(message.durable), message.bytes);
    this.#open.push(
      told.then(
        (one) => void (this.#outcomes[at] = wordOf(errorOf(one))),
        (error: unknown) => void (this.#outcomes[at] = wordOf(error as FairleadError)),
      ),
    );
  }
}
