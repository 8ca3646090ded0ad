import { DecodeError } from '../amqp/errors';
import { decodeMessage } from '../message/decode-message';
import { type Json, messageToObject } from '../message/render-message';

/** A message as operators see it; null where its bytes are none. */
export function sectionsOf(payload: Buffer): Json {
  try {
    return messageToObject(decodeMessage(payload));
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
