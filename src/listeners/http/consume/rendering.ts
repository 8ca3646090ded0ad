import { isUtf8 } from 'node:buffer';
import { DecodeError } from '../../../amqp/errors';
import { FairleadError } from '../../../common/errors';
import { amqpToHttp, type HttpDelivery } from '../../../message/mapping/http';
import { isJson } from '../messages';

const NOTHING: HttpDelivery = { headers: {}, body: Buffer.alloc(0) };

/** A message as headers and a body; what is no message at all comes as its bytes, for whoever can tell what they are. */
export function rendered(bytes: Buffer, start: number, end: number): HttpDelivery {
  try {
    return amqpToHttp(bytes, start, end);
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof FairleadError)) throw error;
    return {
      ...NOTHING,
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from(bytes.subarray(start, end)),
    };
  }
}

/** What an event stream tells of a message: a line of JSON. */
export function eventData(address: string, { headers, body }: HttpDelivery): string {
  const head = `{"address":${JSON.stringify(address)},"headers":${JSON.stringify(headers)}`;
  return `${head},${bodyMember(headers['content-type'], body)}}`;
}

/** JSON as it is, text as a string, all else as base64. */
function bodyMember(type: string | undefined, body: Buffer): string {
  if (body.length === 0) return '"data":null';
  if (!isUtf8(body)) return `"data_base64":"${body.toString('base64')}"`;
  const text = body.toString();
  if (isJson(type)) {
    const json = compact(text);
    if (json !== null) return `"data":${json}`;
  }
  return `"data":${JSON.stringify(text)}`;
}

/** JSON on one line; null for what is none. */
function compact(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}
