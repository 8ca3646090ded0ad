import { StompError } from './errors';
import { shown } from './errors';

export type StompVersion = '1.0' | '1.1' | '1.2';

/** Best first. */
export const VERSIONS: readonly StompVersion[] = ['1.2', '1.1', '1.0'];

const SUBPROTOCOL = { 'v12.stomp': '1.2', 'v11.stomp': '1.1', 'v10.stomp': '1.0' } as const;

/** Names of WebSocket subprotocols, best first. */
export const SUBPROTOCOLS: readonly string[] = Object.keys(SUBPROTOCOL);

/**
 * The version that is spoken (STOMP 1.2, "Protocol Negotiation"): the best that both know; over WebSocket the one that was agreed on.
 * @param accepted `accept-version` of CONNECT; a client that has none speaks 1.0
 * @throws StompError when none is common
 */
export function negotiated(accepted: string | undefined, subprotocol: string | null): StompVersion {
  const known = subprotocol === null ? VERSIONS : [SUBPROTOCOL[subprotocol as keyof typeof SUBPROTOCOL]];
  const asked = (accepted ?? '1.0').split(',').map((version) => version.trim());
  const version = known.find((one) => asked.includes(one));
  if (version === undefined)
    throw new StompError(
      'FL_STOMP_VERSION',
      `accept-version '${shown(accepted ?? '1.0')}', but spoken here: ${known.join(',')}`,
    );
  return version;
}
