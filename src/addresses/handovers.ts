import { type WireReader, WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import { CONTROL } from './control';
import { HANDOVER_ASK_MS, HANDOVER_MS } from './limits';

/** What a node has put to the former home of a subscription, by its numbers: the oldest without an answer, the newest of all. */
export interface PutSpan {
  readonly first: number;
  readonly last: number;
}

export interface HandoversPorts {
  readonly self: NodeId;
  now(): number;
  /** All that are known, also those that are away. */
  nodes(): Iterable<{ readonly id: NodeId; readonly name: string; readonly reachable: boolean }>;
  send(node: NodeId, kind: number, payload: Buffer): void;
  /** Name of the node where a subscription lives; null where none is known. */
  homeOf(queue: string): string | null;
  nameOf(node: NodeId): string;
  /** What this node has put to what subscriptions of a node hold. */
  spanOf(node: string): PutSpan;
  /** Something that was put for a subscription waits here. */
  isLate(queue: string): boolean;
  scheduleFlush(): void;
}

/** What is known of a node: `newest` is null before it has told that it knows the new home. */
interface Witness {
  newest: number | null;
  /** The oldest number without an answer, as it was told last. */
  first: number;
  isDrained: boolean;
  isQuiet: boolean;
}

interface Handover {
  readonly former: string;
  /** When something has come to pass last. */
  movedAt: number;
  askAt: number;
  /** All that was put to the former home is there: it remains that it has come from there. */
  isDrained: boolean;
  readonly witnesses: Map<NodeId, Witness>;
  readonly done: (missing: readonly string[]) => void;
}

const FLAG = { drained: 1, quiet: 2 } as const;

/**
 * Sees to the order of what is put for subscriptions that have come to this node. What nodes put to the former home goes first: so each
 * of them is asked whether it knows the new one, and has an answer for all that it had put there before; then whether it has something
 * that has to follow. What is put here meanwhile waits.
 */
export class Handovers {
  readonly #all = new Map<string, Handover>();

  constructor(private readonly ports: HandoversPorts) {}

  /** @param done told once nothing comes by the former home any more, or of which nodes that is not known after a bound */
  begin(queue: string, former: string, done: (missing: readonly string[]) => void): void {
    const now = this.ports.now();
    this.#all.set(queue, { former, movedAt: now, askAt: now, isDrained: false, witnesses: new Map(), done });
    this.ports.scheduleFlush();
  }

  has(queue: string): boolean {
    return this.#all.has(queue);
  }

  /** It is not to be told any more. */
  end(queue: string): void {
    this.#all.delete(queue);
  }

  /** A node begins a new life: what the former one knew may not be on its disk. */
  forget(node: NodeId): void {
    for (const { witnesses } of this.#all.values()) witnesses.delete(node);
  }

  /** @throws WireError */
  onControl(from: NodeId, kind: number, reader: WireReader): void {
    const queue = reader.text();
    if (kind === CONTROL.handoverAnswer) {
      this.#onAnswer(from, queue, reader.u8(), { first: reader.u53(), last: reader.u53() });
      return;
    }
    const isDrained = reader.u8();
    const { first, last } = this.ports.spanOf(reader.text());
    if (this.ports.homeOf(queue) !== this.ports.nameOf(from)) return;
    const flags = isDrained | (this.ports.isLate(queue) ? 0 : FLAG.quiet);
    this.ports.send(from, CONTROL.handoverAnswer, new WireWriter().text(queue).u8(flags).u53(first).u53(last).take());
  }

  #onAnswer(from: NodeId, queue: string, flags: number, span: PutSpan): void {
    const handover = this.#all.get(queue);
    if (handover === undefined) return;
    const witness = witnessOf(handover, from);
    const { first, isDrained: wasDrained } = witness;
    drain(witness, span);
    // Only what it says after all have put what they had.
    const isQuiet = handover.isDrained && (flags & FLAG.drained) !== 0 && (flags & FLAG.quiet) !== 0;
    if (isQuiet) witness.isQuiet = true;
    if (isQuiet || witness.isDrained !== wasDrained || witness.first > first) handover.movedAt = this.ports.now();
    this.ports.scheduleFlush();
  }

  flush(now: number): void {
    for (const [queue, handover] of this.#all) {
      this.#step(handover);
      const missing = this.#missing(handover, handover.isDrained ? 'isQuiet' : 'isDrained');
      const isOver = handover.isDrained && missing.length === 0;
      if (isOver || now >= handover.movedAt + HANDOVER_MS) {
        this.#all.delete(queue);
        handover.done(missing);
      } else if (now >= handover.askAt) this.#ask(queue, handover, now);
    }
  }

  #step(handover: Handover): void {
    const { self, spanOf } = this.ports;
    const own = witnessOf(handover, self);
    drain(own, spanOf(handover.former));
    // What waits here does so for this.
    own.isQuiet = true;
    if (handover.isDrained || this.#missing(handover, 'isDrained').length > 0) return;
    handover.isDrained = true;
    handover.askAt = 0;
  }

  #missing(handover: Handover, what: 'isDrained' | 'isQuiet'): string[] {
    const names: string[] = [];
    for (const { id, name } of this.ports.nodes()) if (!witnessOf(handover, id)[what]) names.push(name);
    return names;
  }

  #ask(queue: string, handover: Handover, now: number): void {
    const { former, isDrained, witnesses } = handover;
    handover.askAt = now + HANDOVER_ASK_MS;
    const question = new WireWriter()
      .text(queue)
      .u8(isDrained ? FLAG.drained : 0)
      .text(former)
      .take();
    for (const { id, reachable } of this.ports.nodes()) {
      const witness = witnesses.get(id);
      if (id !== this.ports.self && reachable && !(isDrained ? witness?.isQuiet : witness?.isDrained))
        this.ports.send(id, CONTROL.handoverAsk, question);
    }
  }

  deadline(): number {
    let next = Infinity;
    for (const { askAt, movedAt } of this.#all.values()) next = Math.min(next, askAt, movedAt + HANDOVER_MS);
    return next;
  }
}

function witnessOf({ witnesses }: Handover, node: NodeId): Witness {
  let witness = witnesses.get(node);
  if (witness === undefined)
    witnesses.set(node, (witness = { newest: null, first: 0, isDrained: false, isQuiet: false }));
  return witness;
}

/** It knows the new home: what it puts to the old one is not more than it has put by now. */
function drain(witness: Witness, { first, last }: PutSpan): void {
  witness.newest ??= last;
  witness.first = first;
  if (first > witness.newest) witness.isDrained = true;
}
