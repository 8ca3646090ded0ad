import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { EdgeProtocol } from '../../edge/edge-protocol';
import { HttpError } from '../errors';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const VERSION = '13';
/** Base64 of 16 bytes. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** Protocols that a request may offer: there are a handful. */
const OFFERED_MAX = 32;

/** What a client and this node agree on. */
export interface Agreement {
  readonly protocol: EdgeProtocol;
  readonly subprotocol: string;
  /** The answer, ready to be written. */
  readonly answer: string;
}

/**
 * Answers the opening handshake of a WebSocket (RFC 6455, section 4.2). The subprotocol says what is spoken, whatever the path. No
 * extension is agreed on: messages of the mesh are mostly small, and a compressed one costs its receiver more than its size.
 * @throws HttpError
 */
export function agree(request: IncomingMessage, protocols: readonly EdgeProtocol[]): Agreement {
  const { headers } = request;
  if (request.method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket')
    throw new HttpError('FL_HTTP_UPGRADE', 'the one protocol to upgrade to is websocket, by GET');
  if (headers['sec-websocket-version'] !== VERSION)
    throw new HttpError('FL_HTTP_UPGRADE', `sec-websocket-version: expected ${VERSION}`, {
      'sec-websocket-version': VERSION,
    });
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key))
    throw new HttpError('FL_HTTP_UPGRADE', 'sec-websocket-key: expected the base64 of 16 bytes');
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',', OFFERED_MAX).map((name) => name.trim());
  for (const subprotocol of offered) {
    const protocol = protocols.find(({ subprotocols }) => subprotocols.includes(subprotocol));
    if (protocol !== undefined) return { protocol, subprotocol, answer: answerOf(key, subprotocol) };
  }
  const served = protocols.flatMap(({ subprotocols }) => subprotocols).join(', ');
  throw new HttpError('FL_HTTP_UPGRADE', `sec-websocket-protocol: expected one of ${served}`);
}

function answerOf(key: string, subprotocol: string): string {
  const accept = createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
    '\r\n',
  ].join('\r\n');
}
