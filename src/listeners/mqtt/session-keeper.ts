import type { ClientSession } from '../../addresses/client-contract';
import type { FairleadError } from '../../common/errors';
import { writeAck } from './acks';
import { MqttError } from './errors';
import type { Peer } from './peer';
import { reasonOfError } from './reasons';
import { encodeState, type SessionState } from './session-state';

/** An acknowledgement that waits until what it says is on the disk. */
interface DueAck {
  readonly first: number;
  readonly packetId: number;
  readonly then: ((packetId: number) => void) | undefined;
}

/** Keeps the state of a session that outlives its connection: once a turn, and what depends on it is sent when it is on the disk. */
export class SessionKeeper {
  #dirty = false;
  #due: DueAck[] = [];

  constructor(
    private readonly peer: Peer,
    private readonly session: ClientSession,
    /** It outlives its connection. */
    readonly persistent: boolean,
    private readonly state: () => SessionState,
  ) {}

  /** Something of QoS 2 has changed. */
  changed(): void {
    if (!this.persistent || this.#dirty) return;
    this.#dirty = true;
    this.peer.touch();
  }

  /** Sends an acknowledgement once the state as it is now is kept, and does what may be done then. */
  acknowledge(first: number, packetId: number, then?: (packetId: number) => void): void {
    if (!this.persistent) {
      writeAck(this.peer, first, packetId);
      this.peer.touch();
      then?.(packetId);
      return;
    }
    this.#due.push({ first, packetId, then });
    this.changed();
  }

  flush(): void {
    if (!this.#dirty) return;
    const due = this.#due;
    this.#due = [];
    this.#dirty = false;
    this.session.saveState(encodeState(this.state()), (error) => this.#saved(due, error));
  }

  #saved(due: readonly DueAck[], error: FairleadError | null): void {
    const { peer } = this;
    if (peer.over) return;
    if (error !== null) {
      peer.fail(new MqttError('FL_MQTT_REFUSED', error.message, reasonOfError(error)));
      return;
    }
    if (due.length === 0) return;
    for (const { first, packetId, then } of due) {
      writeAck(peer, first, packetId);
      then?.(packetId);
    }
    peer.touch();
  }

  /** What was learned after the connection has ended. */
  saveLate(): void {
    this.session.saveLate(encodeState(this.state()));
  }

  /** The last word before the connection ends. */
  close(): void {
    if (this.persistent) this.session.saveState(encodeState(this.state()));
  }
}
