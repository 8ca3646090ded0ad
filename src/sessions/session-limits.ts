import type { SessionSpec, SessionSubscription } from '../addresses/client-contract';
import { AddressError } from '../addresses/errors';
import { parseAddress } from '../addresses/names';
import { CLIENT_ID_BYTES_MAX, SESSION_RECORD_BYTES_MAX, SESSION_STATE_BYTES_MAX } from './limits';
import { encodeSession, type SessionRecord } from './session-record';

const EMPTY: SessionRecord = {
  owner: '',
  protocol: '',
  replaced: 0,
  life: 0,
  expiryMs: 0,
  endsAt: 0,
  isEnding: false,
  subscriptions: [],
  will: null,
  willAt: 0,
};

/**
 * What a session is to be when its client opens it.
 * @param subscriptions that it goes on with
 * @returns length of its record
 * @throws AddressError
 */
export function checkSpec(spec: SessionSpec, subscriptions: readonly SessionSubscription[]): number {
  const { clientId, protocol, will, expiryMs } = spec;
  if (Buffer.byteLength(clientId) > CLIENT_ID_BYTES_MAX)
    throw new AddressError('FL_SESSION_LIMIT', `client id of more than ${CLIENT_ID_BYTES_MAX} bytes`);
  // A name that is too long for the mesh does not fit the record either.
  if (will !== null) parseAddress(will.address);
  return checkRecord({ ...EMPTY, protocol, expiryMs, will, subscriptions });
}

/** @returns its length. @throws AddressError */
export function checkRecord(record: SessionRecord): number {
  const { length } = encodeSession(record);
  if (length <= SESSION_RECORD_BYTES_MAX) return length;
  const message = `subscriptions and will of a session take ${length} bytes, and may take ${SESSION_RECORD_BYTES_MAX}`;
  throw new AddressError('FL_SESSION_LIMIT', message);
}

/** @throws AddressError */
export function checkState({ length }: Buffer): void {
  if (length <= SESSION_STATE_BYTES_MAX) return;
  const message = `state of ${length} bytes of a session, where ${SESSION_STATE_BYTES_MAX} may be`;
  throw new AddressError('FL_SESSION_LIMIT', message);
}

export function taken(clientId: string): AddressError {
  return new AddressError('FL_SESSION_TAKEN', `another connection has the session of client '${clientId}' now`);
}

export function away(clientId: string, owner: string): AddressError {
  const message = `the session of client '${clientId}' is at ${owner}, which is out of reach or does not answer`;
  return new AddressError('FL_SESSION_UNAVAILABLE', message);
}
