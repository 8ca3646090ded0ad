import type { SessionSpec } from '../addresses/client-contract';
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

/** @throws AddressError */
export function checkSpec({ clientId, protocol, will, expiryMs }: SessionSpec): void {
  if (Buffer.byteLength(clientId) > CLIENT_ID_BYTES_MAX)
    throw new AddressError('FL_SESSION_LIMIT', `client id of more than ${CLIENT_ID_BYTES_MAX} bytes`);
  // A name that is too long for the mesh does not fit the record either.
  if (will !== null) parseAddress(will.address);
  checkRecord({ ...EMPTY, protocol, expiryMs, will });
}

/** @throws AddressError */
export function checkRecord(record: SessionRecord): void {
  const { length } = encodeSession(record);
  if (length <= SESSION_RECORD_BYTES_MAX) return;
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
