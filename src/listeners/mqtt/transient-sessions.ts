import { FairleadError } from '../../common/errors';
import type { ClientSession, SessionHandler, SessionSpec } from '../../addresses/client-contract';

const NOTHING = Buffer.alloc(0);

/** Who has which client id at this node; nothing outlives a connection. */
export class TransientSessions {
  readonly #owners = new Map<string, SessionHandler>();

  openSession({ clientId }: SessionSpec, handler: SessionHandler): () => void {
    const before = this.#owners.get(clientId);
    this.#owners.set(clientId, handler);
    before?.onTaken(new FairleadError('FL_MQTT_TAKEN', `'${clientId}' has connected again`));
    const close = (): void => {
      if (this.#owners.get(clientId) === handler) this.#owners.delete(clientId);
    };
    const session: ClientSession = {
      present: false,
      subscriptions: [],
      state: NOTHING,
      setSubscriptions: (_all, done) => done?.(null),
      saveState: (_state, done) => done?.(null),
      close,
    };
    handler.onOpened(session);
    return close;
  }
}
