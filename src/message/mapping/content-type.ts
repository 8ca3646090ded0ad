import type { AmqpMap } from '../../amqp/codec/values';
import type { Message } from '../message';
import { isRendered, RENDERED_TYPE } from './body';
import type { NativeValue } from './field-codecs';
import { ANNOTATION } from './fields';

/**
 * The content type that a protocol with any text in that place tells of a message: the message's own; else what came with it and was no
 * symbol; else that of a body which had to be rendered.
 * @param native what the table has made of the message's own
 * @param kind of the body, where it is not one of bytes
 * @param fits whether a text may stand there
 */
export function contentTypeOf(
  message: Message,
  native: NativeValue | undefined,
  annotations: AmqpMap,
  kind: string | null,
  fits: (text: string) => boolean,
): string | undefined {
  if (message.properties?.contentType !== undefined) return typeof native === 'string' ? native : undefined;
  const kept = annotations.named(ANNOTATION.contentType);
  if (typeof kept === 'string' && fits(kept)) return kept;
  return isRendered(kind) ? RENDERED_TYPE : undefined;
}
