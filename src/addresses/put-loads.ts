import type { NodeId } from '../links/contract';
import type { AddressEntry } from './address-entry';
import type { CreditBook } from './credit';
import { PUT_WINDOW_BYTES } from './limits';

/** First guess of what a put takes. */
const MEAN_BYTES = 1_024;

/** What this node has for one home. */
class PutLoad {
  /** Under way, and waiting for that. */
  bytes = 0;
  unsentBytes = 0;
  meanBytes = MEAN_BYTES;
  /** Addresses whose publishers may have got less credit than they want. */
  readonly asked = new Set<AddressEntry>();
}

/** What this node has under way, and waiting, for each home: the credit of publishers comes from it. */
export class PutLoads {
  readonly #loads = new Map<NodeId, PutLoad>();
  /** Loads that have become less in this turn. */
  readonly #lighter = new Set<PutLoad>();

  #of(home: NodeId): PutLoad {
    let load = this.#loads.get(home);
    if (load === undefined) this.#loads.set(home, (load = new PutLoad()));
    return load;
  }

  /** A put has come. */
  add(home: NodeId, bytes: number): void {
    const load = this.#of(home);
    load.unsentBytes += bytes;
    load.meanBytes += (bytes - load.meanBytes) >> 4;
  }

  /** What waits goes elsewhere. */
  move(from: NodeId, to: NodeId, bytes: number): void {
    this.#of(from).unsentBytes -= bytes;
    this.#of(to).unsentBytes += bytes;
  }

  /** A put that was not sent never will be. */
  drop(home: NodeId, bytes: number): void {
    this.#of(home).unsentBytes -= bytes;
  }

  sent(home: NodeId, bytes: number): void {
    const load = this.#of(home);
    load.bytes += bytes;
    load.unsentBytes -= bytes;
  }

  /** @param again it waits once more */
  back(home: NodeId, bytes: number, again: boolean): void {
    const load = this.#of(home);
    load.bytes -= bytes;
    if (again) load.unsentBytes += bytes;
    if (load.asked.size > 0) this.#lighter.add(load);
  }

  /** The window of the home has room for so many bytes more; the first put always goes. */
  fits(home: NodeId, bytes: number): boolean {
    const load = this.#of(home);
    return load.bytes === 0 || load.bytes + bytes <= PUT_WINDOW_BYTES;
  }

  /** Messages that publishers of an address may have credit for. */
  allowance(home: NodeId, entry: AddressEntry): number {
    const load = this.#of(home);
    load.asked.add(entry);
    const room = PUT_WINDOW_BYTES - load.bytes - load.unsentBytes;
    return room <= 0 ? 0 : Math.ceil(room / Math.max(1, load.meanBytes));
  }

  /** Some load has become less. */
  get anyLighter(): boolean {
    return this.#lighter.size > 0;
  }

  /** Publishers may go on. */
  tell(credit: CreditBook): void {
    for (const load of this.#lighter) {
      for (const entry of load.asked) credit.changed(entry);
      load.asked.clear();
    }
    this.#lighter.clear();
  }
}
