import type { AmqpErrorFields } from '../../src/amqp/codec/types';
import { AMQP_OUTCOME, TRANSFER } from '../../src/amqp/constants';
import { ReceiverLink, type ReceiverHandler } from '../../src/amqp/receiver-link';
import { connect, serve } from './client';
import { Histogram } from './histogram';
import { monotonicUs, sequenceAt, stampOffset, timeAt } from './payload';
import type { Job } from './protocol';

/** Credit of a link; renewed when half of it is used. */
const CREDIT = 2_000;
/** Messages count as lost when none has come for so long. */
const QUIET_MS = 3_000;

/** Counts what comes in, looks at its order and takes latencies. */
export class Receiver {
  readonly latencies = new Histogram();
  readonly #links: Inlet[] = [];
  get messages(): number {
    return this.#links.reduce((sum, link) => sum + link.messages, 0);
  }

  /** Messages that came again or out of order; what is missing shows in the count. */
  get wrong(): number {
    return this.#links.reduce((sum, link) => sum + link.wrong, 0);
  }

  /** Attaches, or listens. @returns the port listened at, 0 for none */
  async open(job: Job & { role: 'receiver' }): Promise<number> {
    if (job.at === null)
      return serve((link) => {
        if (!(link instanceof ReceiverLink)) return;
        this.#links.push(new Inlet(link, this.latencies, job.sampleEvery));
        link.accept();
      });
    for (let n = 0; n < job.links; n++) {
      const connection = await connect(job.at);
      const link = connection.begin().attachReceiver(`bench-${process.pid}-${n}`, {
        sndSettleMode: job.settled ? 1 : 0,
        source: { type: 'source', address: job.address, capabilities: job.durable ? ['queue'] : [] },
      });
      const inlet = new Inlet(link, this.latencies, job.sampleEvery);
      this.#links.push(inlet);
      await inlet.attached;
    }
    return 0;
  }

  /** Resolves when `messages` have come in all, or when none comes any more. */
  async stop(messages: number): Promise<void> {
    let seen = -1;
    let quietSince = performance.now();
    while (this.messages < messages && performance.now() - quietSince < QUIET_MS) {
      if (this.messages !== seen) quietSince = performance.now();
      seen = this.messages;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** One receiving link. */
class Inlet implements ReceiverHandler {
  messages = 0;
  wrong = 0;
  #last = -1;
  #onAttached: () => void = () => undefined;
  readonly attached = new Promise<void>((resolve) => (this.#onAttached = resolve));

  constructor(
    link: ReceiverLink,
    private readonly latencies: Histogram,
    private readonly sampleEvery: number,
  ) {
    link.handler = this;
    link.setCredit(CREDIT);
  }

  onAttached(): void {
    this.#onAttached();
  }

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, end: number, id: number, flags: number): void {
    if ((flags & TRANSFER.first) !== 0) this.#look(bytes, start, end);
    if ((flags & TRANSFER.more) !== 0) return;
    this.messages++;
    if ((flags & TRANSFER.settled) === 0) link.dispose(id, AMQP_OUTCOME.accepted, true);
    if (link.credit * 2 <= CREDIT) link.setCredit(CREDIT);
  }

  #look(bytes: Buffer, start: number, end: number): void {
    const stamp = stampOffset(bytes, start, end);
    if (stamp < 0) {
      this.wrong++;
      return;
    }
    const sequence = sequenceAt(bytes, stamp);
    if (sequence <= this.#last) this.wrong++;
    this.#last = sequence;
    if (sequence % this.sampleEvery === 0) this.latencies.add(monotonicUs() - timeAt(bytes, stamp));
  }

  onDetached(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    throw new Error(`a receiver's link was detached: ${error?.condition ?? ''} ${error?.description ?? ''}`);
  }
}
