import { eventData, rendered } from './rendering';

/**
 * What event streams tell of messages, made once for all subscribers that one goes to: the mesh hands it to them one after the other.
 * It keeps the last one alone, and knows it by its bytes, for those are in memory that the next one may be in too.
 */
export class EventTexts {
  #address = '';
  #bytes: Buffer = Buffer.alloc(0);
  #length = -1;
  #text = '';
  /** Messages that were rendered. */
  rendered = 0;

  /** @param payload an encoded message from `start` to `end` */
  of(address: string, payload: Buffer, start: number, end: number): string {
    const length = end - start;
    const isLast =
      length === this.#length && address === this.#address && payload.compare(this.#bytes, 0, length, start, end) === 0;
    if (!isLast) this.#render(address, payload, start, end);
    return this.#text;
  }

  #render(address: string, payload: Buffer, start: number, end: number): void {
    this.rendered++;
    this.#text = eventData(address, rendered(payload, start, end));
    this.#address = address;
    this.#length = end - start;
    if (this.#bytes.length < this.#length) this.#bytes = Buffer.allocUnsafe(this.#length);
    payload.copy(this.#bytes, 0, start, end);
  }
}
