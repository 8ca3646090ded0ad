import { message, type Message } from 'rhea';

const codec = message as unknown as { encode(message: object): Buffer };

/** An encoded message with a data section, as most clients send them. */
export function dataMessage(body: string | Buffer, more: Message | object = {}): Buffer {
  return codec.encode({ ...more, body: message.data_section(Buffer.from(body)) });
}

/** Encoded by rhea. */
export function encodeMessage(fields: Message | object): Buffer {
  return codec.encode(fields);
}
