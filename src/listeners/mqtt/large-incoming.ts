import { PUBLISH_FLAG, type Publisher, type Verdict } from '../../addresses/contract';
import { beginMessage, SCRATCH } from './message-bytes';
import { payloadOf, PublishView, readPublish } from './publish-packet';
import { richHead } from './rich-messages';
import type { Topic } from './topics';

/** The PUBLISH of a client that goes on as it comes, because it is long: one at a time. */
export class LargeIncoming {
  /** Of its head. */
  readonly view = new PublishView();
  #publisher: Publisher | null = null;
  #payloadBytes = 0;

  /** @returns where the payload begins, or -1 when more is needed to know. @throws MqttError */
  read(first: number, bytes: Buffer, start: number, end: number, length: number, v5: boolean): number {
    const payload = payloadOf(first, bytes, start, end, v5);
    if (payload < 0) return -1;
    readPublish(first, bytes, start, payload, v5, this.view);
    this.#payloadBytes = length - (payload - start);
    return payload;
  }

  /** What comes is not published: it was refused, or has been before. */
  skip(): void {
    this.#publisher = null;
  }

  /** What has come of it is not published. @returns its packet id; null when there is none */
  abort(): number | null {
    const publisher = this.#publisher;
    this.#publisher = null;
    publisher?.abort();
    return publisher === null ? null : this.view.packetId;
  }

  begin(publisher: Publisher, topic: Topic, bytes: Buffer, token: number): void {
    const { view } = this;
    const isPlain = !view.rich && view.expiryS < 0 && !view.utf8;
    const { head, isText } = isPlain
      ? { head: topic.head(view.qos, view.retain), isText: false }
      : richHead(view, bytes, topic.address, Date.now());
    publisher.begin(topic.ref, view.qos === 0 ? PUBLISH_FLAG.settled : PUBLISH_FLAG.durable, token);
    publisher.part(SCRATCH, 0, beginMessage(head, this.#payloadBytes, isText));
    this.#publisher = publisher;
  }

  part(bytes: Buffer, start: number, end: number): void {
    this.#publisher?.part(bytes, start, end);
  }

  /** Null when it was skipped. */
  end(): Verdict | null {
    const publisher = this.#publisher;
    this.#publisher = null;
    return publisher?.end() ?? null;
  }
}
