import type { FairleadError } from '../common/errors';
import { WireWriter, type WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { Streams } from '../streams/contract';
import { readError, writeError } from './circuit-messages';
import { CONTROL } from './control';
import { QUEUE_ATTACH_MS } from './limits';

export type Done = (error: FairleadError | null) => void;

/** A request that its home has not answered. */
interface Request {
  readonly home: NodeId;
  readonly deadline: number;
  /** What it is told when no answer comes. */
  readonly away: FairleadError;
  readonly done: Done;
}

export interface SubscriptionRequestsPorts {
  readonly streams: Streams;
  now(): number;
  scheduleFlush(): void;
  /** Ends a subscription that lives here. */
  end(queue: string, done: Done): void;
}

/** What nodes ask of each other about subscriptions: to end one where it lives. */
export class SubscriptionRequests {
  readonly #open = new Map<number, Request>();
  #last = 0;

  constructor(private readonly ports: SubscriptionRequestsPorts) {}

  end(home: NodeId, queue: string, away: FairleadError, done: Done): void {
    this.#last = (this.#last + 1) >>> 0;
    this.#open.set(this.#last, { home, away, done, deadline: this.ports.now() + QUEUE_ATTACH_MS });
    const told = new WireWriter().u32(this.#last).text(queue).take();
    this.ports.streams.sendControl(home, CONTROL.subscriptionEnd, told);
    this.ports.scheduleFlush();
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    const id = reader.u32();
    if (kind === CONTROL.subscriptionEnd) this.ports.end(reader.text(), (error) => this.#answer(origin, id, error));
    else if (this.#open.get(id)?.home === origin) this.#close(id, reader.u8() === 0 ? null : readError(reader));
  }

  #answer(to: NodeId, id: number, error: FairleadError | null): void {
    const writer = new WireWriter(8).u32(id).u8(error === null ? 0 : 1);
    const told = error === null ? writer : writeError(writer, error);
    this.ports.streams.sendControl(to, CONTROL.subscriptionEnded, told.take());
  }

  #close(id: number, error: FairleadError | null): void {
    const request = this.#open.get(id);
    this.#open.delete(id);
    request?.done(error);
  }

  /** Whatever this node and that one (null: any other) had asked of each other is void. */
  broken(node: NodeId | null): void {
    for (const [id, { home, away }] of [...this.#open]) if (node === null || node === home) this.#close(id, away);
  }

  tick(now: number): void {
    for (const [id, { deadline, away }] of [...this.#open]) if (deadline <= now) this.#close(id, away);
  }

  deadline(): number {
    // They are in the order of their deadlines.
    for (const { deadline } of this.#open.values()) return deadline;
    return Infinity;
  }
}
