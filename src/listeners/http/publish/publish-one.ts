import { isStructuredEvent } from '../../../message/mapping/cloud-events';
import { BodyReader } from '../body-reader';
import type { Exchange } from '../exchange';
import type { HttpClient } from '../http-client';
import { GATHER_BYTES_MAX, ITEM_BYTES_MAX } from '../limits';
import { DATA_BYTES_MAX, dataHead, encodedHead, encodedWhole, encodedEvent, isTyped, type Encoded } from '../messages';
import type { AddressPublisher, Told } from './address-publisher';
import { errorOf } from './outcome-words';
import { flagsOf, inTime, type PublishWish } from './publish-request';

/** Pieces of a body without a declared length are sections of their own: large enough that their heads do not count. */
const SECTION_BYTES_MIN = 32 * 1024;

/** A message that is on its way. */
interface Underway {
  readonly told: Promise<Told>;
}

/** Publishes the one message that a request has, as it comes in. */
export class PublishOne {
  readonly #publisher: AddressPublisher;

  /** @throws FairleadError when the address cannot be used */
  constructor(
    private readonly exchange: Exchange,
    private readonly client: HttpClient,
    private readonly address: string,
    private readonly wish: PublishWish,
    private readonly messageBytesMax: number,
    /** Headers of the message that the request does not say itself. */
    private readonly more: Readonly<Record<string, string>> = {},
  ) {
    this.#publisher = client.publisher(address);
  }

  /** @throws FairleadError */
  async run(): Promise<void> {
    const { exchange, wish } = this;
    const { told } = await this.#publish();
    if (wish.async) {
      told.catch(() => undefined);
      exchange.json(202, { outcome: 'pending' }, { 'preference-applied': 'respond-async' });
      return;
    }
    await this.#accepted(told);
    exchange.json(202, { outcome: 'accepted' });
  }

  /** Publishes without an answer. @throws FairleadError unless it is accepted */
  async accepted(): Promise<void> {
    const { told } = await this.#publish();
    await this.#accepted(told);
  }

  async #accepted(told: Promise<Told>): Promise<void> {
    const error = errorOf(await inTime(this.exchange, told, this.wish.waitMs));
    if (error !== null) throw error;
  }

  async #publish(): Promise<Underway> {
    try {
      const underway = await this.#read();
      this.client.counters.messagesIn++;
      return underway;
    } catch (error) {
      this.client.counters.messagesRejected++;
      throw error;
    }
  }

  async #read(): Promise<Underway> {
    const headers = { ...this.exchange.request.headers, ...this.more };
    const { idempotencyKey: id } = this.wish;
    if (isStructuredEvent(headers['content-type']))
      return this.#send(encodedEvent(headers, await this.#whole(), this.address, id));
    if (isTyped(headers)) return this.#send(encodedWhole(headers, await this.#whole(), this.address, id));
    return this.#asItComes(encodedHead(headers, this.address, id));
  }

  #whole(): Promise<Buffer> {
    return new BodyReader(this.exchange, Math.min(ITEM_BYTES_MAX, this.messageBytesMax)).rest();
  }

  async #send({ bytes, durable }: Encoded): Promise<Underway> {
    await this.#publisher.credit(this.wish.waitMs);
    return { told: this.#publisher.publish(flagsOf(durable), bytes) };
  }

  /** A body of bytes: gathered while it is small, streamed into the mesh past that. */
  async #asItComes(head: Encoded): Promise<Underway> {
    const body = new BodyReader(this.exchange, this.messageBytesMax - head.bytes.length);
    const gathered: Buffer[] = [];
    while (body.length <= GATHER_BYTES_MAX) {
      const chunk = await body.next();
      if (chunk === null)
        return this.#send({ ...head, bytes: Buffer.concat([head.bytes, dataHead(body.length), ...gathered]) });
      gathered.push(chunk);
    }
    await this.#publisher.credit(this.wish.waitMs);
    const token = this.#publisher.begin(flagsOf(head.durable));
    try {
      await this.#publisher.part(head.bytes);
      const { declared } = body;
      if (declared !== null && declared <= DATA_BYTES_MAX) await this.#oneSection(body, declared, gathered);
      else await this.#sections(body, gathered);
      return { told: this.#publisher.end(token) };
    } catch (error) {
      this.#publisher.abort();
      throw error;
    }
  }

  async #oneSection(body: BodyReader, length: number, gathered: readonly Buffer[]): Promise<void> {
    await this.#publisher.part(dataHead(length));
    for (const chunk of gathered) await this.#publisher.part(chunk);
    for (let chunk = await body.next(); chunk !== null; chunk = await body.next()) await this.#publisher.part(chunk);
  }

  async #sections(body: BodyReader, gathered: Buffer[]): Promise<void> {
    let length = body.length;
    for (;;) {
      const chunk = await body.next();
      if (chunk !== null) {
        gathered.push(chunk);
        length += chunk.length;
      }
      if (length < SECTION_BYTES_MIN && chunk !== null) continue;
      if (length > 0) {
        await this.#publisher.part(dataHead(length));
        for (const piece of gathered.splice(0)) await this.#publisher.part(piece);
        length = 0;
      }
      if (chunk === null) return;
    }
  }
}
