import type { Source } from '../../amqp/codec/types';
import { AmqpMap } from '../../amqp/codec/values';
import type { AttachOptions } from '../../amqp/link';
import { Inbox } from '../../amqp/pair.fixture';
import type { ReceiverLink } from '../../amqp/receiver-link';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { FakeClient } from './listener.fixture';

/** A client that consumes, and what it was answered. */
export interface Consuming {
  /** The source that the attach was answered with; null when it was refused. */
  readonly answer: Source | null;
  readonly client: FakeClient;
  readonly receiver: ReceiverLink;
  readonly inbox: Inbox;
}

/** Attaches a receiver to a source, `queue/a` where it says no other; null for none. */
export function consume(source: Partial<Source> | null, more: AttachOptions & { name?: string } = {}): Consuming {
  const client = new FakeClient();
  const { name = 'link', ...options } = more;
  const full = source === null ? null : ({ type: 'source', address: 'queue/a', ...source } as const);
  const receiver = client.session.attachReceiver(name, { ...options, source: full });
  let answer: Source | null = null;
  const inbox = Object.assign(new Inbox(), {
    onAttached: (link: ReceiverLink) => void (answer = link.remote?.source ?? null),
  });
  receiver.handler = inbox;
  client.run();
  return { client, receiver, inbox, answer };
}

/** A message with its region as property and body. */
export function message(region: string): Buffer {
  return encodeMessage({ applicationProperties: new AmqpMap([['region', region]]), body: textBody(region) });
}
