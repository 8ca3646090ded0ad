import { BEYOND, enterList, SECTION, sectionBody, sectionCode, skip } from './locate';
import { readScalar, type Scalar } from './scalar';

/** Places of the fields of a header (part 3.2.1). */
export const HEADER_FIELD = { durable: 0, priority: 1, ttl: 2, firstAcquirer: 3, deliveryCount: 4 } as const;

/** Places of the fields of the properties (part 3.2.4). */
export const PROPERTY_FIELD = {
  messageId: 0,
  userId: 1,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  contentEncoding: 7,
  absoluteExpiryTime: 8,
  creationTime: 9,
  groupId: 10,
  groupSequence: 11,
  replyToGroupId: 12,
} as const;

const EMPTY = Buffer.alloc(0);

/**
 * The fields of an encoded message, read in place when asked for: one object for message after message. Reads nothing of the body;
 * what lies behind the end of the bytes, as with the head of a large message, is absent.
 */
export class MessageFields {
  bytes: Buffer = EMPTY;
  #at = 0;
  end = 0;
  // Where the values of the sections begin, or BEYOND.
  #header = BEYOND;
  #properties = BEYOND;
  #application = BEYOND;

  /** Turns to a message, whose bytes do not change until it is left. */
  turnTo(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.#at = start;
    this.end = end;
    this.#header = this.#properties = this.#application = BEYOND;
  }

  /** Holds on to nothing. */
  leave(): void {
    this.turnTo(EMPTY, 0, 0);
  }

  /** Finds sections up to one that is asked for, as far as that has not been done. @throws DecodeError */
  #reach(section: number): void {
    const { bytes, end } = this;
    while (this.#at < end) {
      const body = sectionBody(bytes, this.#at, end);
      const code = body === BEYOND ? BEYOND : sectionCode(bytes, this.#at);
      if (code > section) return;
      const next = code > SECTION.applicationProperties || body === BEYOND ? BEYOND : skip(bytes, body, end);
      this.#at = next === BEYOND ? end : next;
      if (next === BEYOND) return;
      if (code === SECTION.header) this.#header = body;
      else if (code === SECTION.properties) this.#properties = body;
      else if (code === SECTION.applicationProperties) this.#application = body;
    }
  }

  /** Offset of a field of the header, or BEYOND. @throws DecodeError */
  headerAt(field: number): number {
    if (this.#header === BEYOND) this.#reach(SECTION.header);
    return this.#fieldAt(this.#header, field);
  }

  /** Offset of a field of the properties, or BEYOND. @throws DecodeError */
  propertyAt(field: number): number {
    if (this.#properties === BEYOND) this.#reach(SECTION.properties);
    return this.#fieldAt(this.#properties, field);
  }

  /** Offset of the map of application properties, or BEYOND. @throws DecodeError */
  applicationAt(): number {
    if (this.#application === BEYOND) this.#reach(SECTION.applicationProperties);
    return this.#application;
  }

  #fieldAt(list: number, field: number): number {
    let at = list === BEYOND ? BEYOND : enterList(this.bytes, list, field + 1);
    for (let before = 0; before < field && at !== BEYOND; before++) at = skip(this.bytes, at, this.end);
    return at;
  }

  header(field: number): Scalar {
    return this.#scalar(this.headerAt(field));
  }

  property(field: number): Scalar {
    return this.#scalar(this.propertyAt(field));
  }

  #scalar(at: number): Scalar {
    return at === BEYOND ? null : readScalar(this.bytes, at, this.end);
  }
}
