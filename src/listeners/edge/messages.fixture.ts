import { AmqpMap, sym } from '../../amqp/codec/values';
import { encodeMessage } from '../../message/encode-message';
import { dataBody } from '../../message/message';
import type { LargeBody } from '../../streams/contract';

/** A message of text that is to be delivered so much later. */
export function delayedMessage(ms: number, body: string): Buffer {
  return encodeMessage({
    messageAnnotations: new AmqpMap([[sym('x-opt-delivery-delay'), ms]]),
    properties: { contentType: 'text/plain' },
    body: dataBody(Buffer.from(body)),
  });
}

/** A large message whose claims are counted. */
export class FakeLargeBody implements LargeBody {
  claims = 1;

  constructor(private readonly bytes: Buffer) {}

  get length(): number {
    return this.bytes.length;
  }

  read(at: number, into: Buffer): number {
    return this.bytes.copy(into, 0, at);
  }

  retain(): void {
    this.claims++;
  }

  release(): void {
    this.claims--;
  }
}

/** A message of text, whose application property `n` a selector may ask for. */
export function textMessage(body: string, n = 0): Buffer {
  return encodeMessage({
    properties: { contentType: 'text/plain' },
    applicationProperties: new AmqpMap([['n', n]]),
    body: dataBody(Buffer.from(body)),
  });
}
