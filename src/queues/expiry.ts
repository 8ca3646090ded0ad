import type { Entry } from './entry';
import type { Lane } from './lane';
import { EXPIRY_LOOK_MS, EXPIRY_LOOK_RECORDS } from './limits';
import type { QueueCore } from './queue-core';
import { expiresAtOf } from './record';

/** Finds messages whose time is over although nobody asks for them. */
export class ExpiryLook {
  #nextAt = 0;
  #lane = 0;
  /** The key that the next look at the disk begins with. */
  #from = 0;

  constructor(
    private readonly core: QueueCore,
    /** The message is out of its place. */
    private readonly expired: (entry: Entry) => void,
  ) {}

  /** Messages are there that expire. */
  arm(): void {
    if (this.core.state.expiring === 0) return;
    const wall = this.core.home.wall();
    if (this.#nextAt <= wall) this.#nextAt = wall + EXPIRY_LOOK_MS;
    this.core.wakeAt(this.#nextAt);
  }

  /** @throws RecordDamagedError */
  look(wall: number): void {
    if (wall >= this.#nextAt && this.core.state.expiring > 0) {
      for (const lane of this.core.ready.lanes) this.#lookInWindow(lane, wall);
      if (this.core.ready.canRead) this.#lookOnDisk(wall);
    }
    this.arm();
  }

  #lookInWindow(lane: Lane, wall: number): void {
    for (let at = 0; at < lane.length;) {
      const entry = lane.at(at);
      if (entry.expiresAt === 0 || entry.expiresAt > wall) at++;
      else {
        lane.removeAt(at);
        this.expired(entry);
      }
    }
  }

  #lookOnDisk(wall: number): void {
    const { ready } = this.core;
    let left = EXPIRY_LOOK_RECORDS;
    for (let lanes = ready.lanes.length; lanes > 0 && left > 0; lanes--) {
      const lane = ready.lanes[this.#lane] as Lane;
      const found: Entry[] = [];
      ready.scanBeyond(lane, this.#from, (key, record, known) => {
        this.#from = key + 1;
        const at = expiresAtOf(record);
        if (at !== 0 && at <= wall) found.push(known ?? ready.read(key, lane, record));
        return --left > 0;
      });
      for (const entry of found) {
        ready.takeBeyond(entry);
        this.expired(entry);
      }
      if (left > 0) {
        this.#lane = (this.#lane + 1) % ready.lanes.length;
        this.#from = 0;
      }
    }
  }
}
