import { WireReader, WireWriter } from '../common/wire';
import { LANES } from './spaces';

const FORMAT = 1;

/** What a queue knows of itself without looking at its messages: one small record, written with every group that changes it. */
export class QueueState {
  lastSeq = 0;
  /** Messages up to this sequence may have been delivered. */
  mark = 0;
  /** Records in `messages`, by lane. */
  readonly lanes = new Float64Array(LANES);
  /** All messages, also those on their way to the disk. */
  depth = 0;
  delayed = 0;
  dead = 0;
  /** Of all records, also of delayed and dead ones. */
  bytes = 0;
  /** Messages that expire some time. */
  expiring = 0;

  /** A record of `messages` comes or goes. @param by 1 or -1 */
  count(lane: number, bytes: number, expires: boolean, by: number): void {
    this.lanes[lane] = (this.lanes[lane] as number) + by;
    this.depth += by;
    this.bytes += by * bytes;
    if (expires) this.expiring += by;
  }

  /** A record of `delayed` comes or goes. */
  countDelayed(bytes: number, expires: boolean, by: number): void {
    this.delayed += by;
    this.#countElsewhere(bytes, expires, by);
  }

  /** A record of `dead` comes or goes. */
  countDead(bytes: number, by: number): void {
    this.dead += by;
    this.#countElsewhere(bytes, false, by);
  }

  #countElsewhere(bytes: number, expires: boolean, by: number): void {
    this.depth += by;
    this.bytes += by * bytes;
    if (expires) this.expiring += by;
  }

  /** False when more was taken out than was there: records do not fit what was said of them. */
  get isSound(): boolean {
    return (
      this.bytes >= 0 && this.expiring >= 0 && this.delayed >= 0 && this.dead >= 0 && this.lanes.every((n) => n >= 0)
    );
  }

  encode(): Buffer {
    const writer = new WireWriter(160)
      .u8(FORMAT)
      .u48(this.lastSeq)
      .u48(this.mark)
      .u48(this.delayed)
      .u48(this.dead)
      .u53(this.bytes)
      .u48(this.expiring);
    for (let lane = 0; lane < LANES; lane++) writer.u48(this.lanes[lane] as number);
    return writer.take();
  }

  /** @throws when the record was written by another version */
  static decode(value: Buffer): QueueState {
    const reader = new WireReader(value);
    const state = new QueueState();
    const format = reader.u8();
    if (format !== FORMAT) throw new RangeError(`state of format ${format}, expected ${FORMAT}`);
    state.lastSeq = reader.u48();
    state.mark = reader.u48();
    state.delayed = reader.u48();
    state.dead = reader.u48();
    state.bytes = reader.u53();
    state.expiring = reader.u48();
    state.depth = state.delayed + state.dead;
    for (let lane = 0; lane < LANES; lane++) state.depth += state.lanes[lane] = reader.u48();
    return state;
  }
}
