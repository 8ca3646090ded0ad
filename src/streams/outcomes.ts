import { WireError, WireWriter, type WireReader } from '../common/wire';
import type { NodeId, StreamClass } from '../links/contract';
import { OUTCOME, type Outcome, type OutcomeDetail, type Receipt } from './contract';
import { CONTROL_BYTES_MAX, OUTCOME_FIELDS_BYTES_MAX } from './limits';

/** Outcomes of messages of one stream that wait for the end of the turn, as ranges of equal, plain outcomes. */
class Collected {
  readonly ranges: {
    first: number;
    count: number;
    readonly outcome: Outcome;
    readonly detail: OutcomeDetail | null;
  }[] = [];

  constructor(readonly receipt: Receipt) {}

  add(seq: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const last = this.ranges[this.ranges.length - 1];
    if (last !== undefined && detail === null && last.detail === null && last.outcome === outcome) {
      if (seq === last.first + last.count) {
        last.count++;
        return;
      }
      if (seq === last.first - 1) {
        last.first--;
        last.count++;
        return;
      }
    }
    this.ranges.push({ first: seq, count: 1, outcome, detail });
  }
}

const NO_FIELDS = Buffer.alloc(0);
/** Characters of a condition or a description; each takes at most three bytes. */
const TEXT_CHARS_MAX = 1_024;

/**
 * Collects outcomes at a destination and writes them as control messages:
 * u8 class, u32 epoch, u16 ranges, ranges x (u48 first, u32 count, u8 outcome | detail << 7, [text condition, text description, blob fields]).
 */
export class OutcomeCollector {
  readonly #streams = new Map<Receipt, Collected>();

  add(receipt: Receipt, seq: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    let collected = this.#streams.get(receipt);
    if (collected === undefined) this.#streams.set(receipt, (collected = new Collected(receipt)));
    collected.add(seq, outcome, detail);
  }

  /** Hands out one or more control payloads per origin and forgets them. */
  flush(send: (origin: NodeId, incarnation: number, payload: Buffer) => void): void {
    if (this.#streams.size === 0) return;
    for (const { receipt, ranges } of this.#streams.values()) {
      for (let from = 0; from < ranges.length;) {
        const { payload, next } = writeOutcomes(receipt, ranges, from);
        send(receipt.origin, receipt.incarnation, payload);
        from = next;
      }
    }
    this.#streams.clear();
  }
}

/** Writes as many ranges as fit one control message. @returns where the next one begins */
function writeOutcomes(
  { cls, epoch }: Receipt,
  ranges: Collected['ranges'],
  from: number,
): { readonly payload: Buffer; readonly next: number } {
  const writer = new WireWriter(1_024).u8(cls).u32(epoch).u16(0);
  let next = from;
  for (; next < ranges.length && writer.length < CONTROL_BYTES_MAX; next++) {
    const { first, count, outcome, detail } = ranges[next] as Collected['ranges'][number];
    writer
      .u48(first)
      .u32(count)
      .u8(detail === null ? outcome : outcome | 0x80);
    if (detail === null) continue;
    const fields = detail.fields ?? NO_FIELDS;
    writer
      .text(short(detail.condition))
      .text(short(detail.description))
      .blob(fields.length > OUTCOME_FIELDS_BYTES_MAX ? NO_FIELDS : fields);
  }
  writer.patchU16(RANGES_AT, next - from);
  return { payload: writer.take(), next };
}

const RANGES_AT = 5;

/** A text of any length is cut: it must never push a control message past a frame. */
function short(text: string | undefined): string {
  return (text ?? '').slice(0, TEXT_CHARS_MAX);
}

const OUTCOMES_KNOWN = Object.keys(OUTCOME).length;

/** Reads what {@link OutcomeCollector} wrote. @throws WireError */
export function readOutcomes(
  reader: WireReader,
  visit: (
    cls: StreamClass,
    epoch: number,
    first: number,
    count: number,
    outcome: Outcome,
    detail: OutcomeDetail | null,
  ) => void,
): void {
  const cls = reader.u8();
  if (cls !== 1 && cls !== 2) throw new WireError(`outcomes for traffic class ${cls}, expected 1 or 2`);
  const epoch = reader.u32();
  for (let left = reader.u16(); left > 0; left--) {
    const first = reader.u48();
    const count = reader.u32();
    const code = reader.u8();
    const outcome = code & 0x7f;
    if (outcome >= OUTCOMES_KNOWN) throw new WireError(`outcome ${outcome}, expected below ${OUTCOMES_KNOWN}`);
    let detail: OutcomeDetail | null = null;
    if ((code & 0x80) !== 0) {
      const condition = reader.text();
      const description = reader.text();
      const fields = Buffer.from(reader.blob());
      detail = {
        ...(condition === '' ? {} : { condition }),
        ...(description === '' ? {} : { description }),
        ...(fields.length === 0 ? {} : { fields }),
      };
    }
    visit(cls, epoch, first, count, outcome as Outcome, detail);
  }
}
