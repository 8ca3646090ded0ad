import type { SessionSpec } from '../addresses/client-contract';
import { CLIENT_ID_BYTES_MAX, SESSION_RECORD_BYTES_MAX } from './limits';
import { checkSpec } from './session-limits';

const PAYLOAD = Buffer.from('gone');
const will = (address: string, payload = PAYLOAD): SessionSpec['will'] => ({
  address,
  payload,
  durable: false,
  retain: false,
  delayMs: 0,
});
const spec = (changes: Partial<SessionSpec>): SessionSpec => ({
  clientId: 'c',
  protocol: 'mqtt',
  clean: true,
  expiryMs: 0,
  will: null,
  ...changes,
});

const refused = (changes: Partial<SessionSpec>): unknown => {
  try {
    checkSpec(spec(changes), []);
  } catch (error) {
    return error;
  }
  return null;
};

it.each([
  ['no record could be written with', 'w'.repeat(65_541)],
  ['fits the record, but no address', 'w'.repeat(5_000)],
  ['has nothing behind its kind', 'topic/'],
])('refuses a will whose address %s', (_, address) => {
  expect(refused({ will: will(address) })).toMatchObject({ code: 'FL_ADDRESS_NAME' });
});

it('refuses a client id and a will that are too large, and takes what is not', () => {
  expect(refused({ clientId: 'c'.repeat(CLIENT_ID_BYTES_MAX + 1) })).toMatchObject({ code: 'FL_SESSION_LIMIT' });
  expect(refused({ will: will('w', Buffer.alloc(SESSION_RECORD_BYTES_MAX)) })).toMatchObject({
    code: 'FL_SESSION_LIMIT',
  });
  expect(refused({ clientId: 'c'.repeat(CLIENT_ID_BYTES_MAX), will: will('w'.repeat(4_096)) })).toBeNull();
});
