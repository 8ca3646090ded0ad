import type { Output } from '../../amqp/output';
import { DecodeError } from '../../amqp/errors';
import { FairleadError } from '../../common/errors';
import type { LargeBody } from '../../streams/contract';
import { Delivery, readDelivery } from './delivery';
import { LargePayload } from './large-payload';
import { RENDERED_BYTES_MAX, UNWRITTEN_BYTES_MAX } from './limits';
import type { Peer } from './peer';
import type { PublishWriter } from './publish-writer';

/** Bytes of a large message that are read and written at a time. */
const PART_BYTES = 32 * 1024;
const PART = Buffer.allocUnsafeSlow(PART_BYTES);

/** The large message that a client is being sent, as it takes it: nothing else can be sent to it meanwhile. */
export class LargeOutgoing {
  /** What {@link open} found before the payload. */
  readonly head = new Delivery();
  #body: LargeBody | null = null;
  #payload: LargePayload | null = null;
  #at = 0;
  #busy = false;

  constructor(
    private readonly peer: Peer,
    private readonly output: Output,
    private readonly writer: PublishWriter,
    private readonly unwritten: () => number,
  ) {}

  get busy(): boolean {
    return this.#busy;
  }

  get payloadBytes(): number {
    return this.#payload?.length ?? 0;
  }

  /** Looks what a message is made of, and retains it. @returns false when nothing can be made of it for MQTT */
  open(body: LargeBody): boolean {
    body.retain();
    this.#body = body;
    try {
      this.#payload = this.#opened(body);
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof FairleadError)) throw error;
    }
    return this.#payload !== null;
  }

  #opened(body: LargeBody): LargePayload | null {
    const v5 = this.peer.facts.version === 5;
    const found = LargePayload.find(body);
    if (found !== null) return readDelivery(found.head, 0, found.head.length, v5, this.head) ? found : null;
    if (body.length > RENDERED_BYTES_MAX) return null;
    const whole = Buffer.allocUnsafe(body.length);
    for (let at = 0; at < whole.length;) at += body.read(at, whole.subarray(at));
    if (!readDelivery(whole, 0, whole.length, v5, this.head)) return null;
    const { bytes, start, end } = this.head;
    return LargePayload.of(bytes.subarray(start, end));
  }

  /** Sends what was opened. */
  begin(topic: Buffer, flags: number, packetId: number, own: Buffer): void {
    this.#at = 0;
    this.writer.writeHead(topic, flags, packetId, own, this.head.properties, this.payloadBytes);
    this.#busy = true;
    this.goOn();
  }

  /** Sends as much as leaves at once. */
  goOn(): void {
    const payload = this.#payload;
    if (!this.#busy || payload === null) return;
    const { output } = this;
    while (this.#at < payload.length) {
      if (output.pendingBytes + this.unwritten() >= UNWRITTEN_BYTES_MAX) break;
      const length = payload.read(this.#at, PART);
      output.copy(PART, 0, length);
      this.#at += length;
    }
    this.peer.touch();
    if (this.#at === payload.length) this.drop();
  }

  /** All of it is sent, or the client has gone. */
  drop(): void {
    this.#body?.release();
    this.#body = null;
    this.#payload = null;
    this.#busy = false;
  }
}
