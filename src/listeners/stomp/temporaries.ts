import { addressOfDestination } from '../../message/mapping/stomp-destination';
import type { AddressRef } from '../../addresses/contract';
import { StompError } from './errors';
import { TEMPORARIES_MAX } from './limits';
import type { Session } from './session';

const TEMPORARY = /^\/temp-(queue|topic)\/./;

/**
 * Queues and topics that a client makes by naming them: `/temp-queue/x`, `/temp-topic/x`. The name is known on its connection alone, others
 * see the address that it stands for, mostly as a `reply-to`; both go with the connection.
 */
export class Temporaries {
  readonly #byName = new Map<string, AddressRef>();

  constructor(private readonly session: Session) {}

  /** Makes it when it is named for the first time; null for a destination of another kind. @throws FairleadError */
  find(destination: string): AddressRef | null {
    const [, kind] = TEMPORARY.exec(destination) ?? [];
    if (kind === undefined) return null;
    const known = this.#byName.get(destination);
    if (known !== undefined) return known;
    if (this.#byName.size >= TEMPORARIES_MAX)
      throw new StompError('FL_STOMP_LIMIT', `more than ${TEMPORARIES_MAX} temporary destinations on one connection`);
    const made = this.session.addresses.temporary(kind === 'topic' ? 'topic' : 'queue');
    this.#byName.set(destination, made);
    return made;
  }

  /** The address that a destination means. @throws FairleadError */
  addressOf(destination: string): string {
    return this.find(destination)?.name ?? addressOfDestination(destination);
  }

  /** The connection is over. */
  end(): void {
    for (const address of this.#byName.values()) this.session.addresses.dropTemporary(address);
    this.#byName.clear();
  }
}
