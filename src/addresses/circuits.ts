import type { Chunk } from '../common/chunk';
import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { MESSAGE_FLAG, OUTCOME, type LargeBody, type Receipt } from '../streams/contract';
import { AddressEntry } from './address-entry';
import { readError, writeCircuit, writeClose, writeCount, writeOpen, type CircuitOpen } from './circuit-messages';
import { CONTROL } from './control';
import type { Forwarder } from './forwarder';
import type { AddressStreams } from './ports';
import type { RemoteConsumer } from './remote-consumer';
import type { Circuit } from './remote-consumer-ports';
import { defaultPolicy } from './rules';
import type { SiteSlots } from './site-slots';

/** Letter of the names that deliveries of circuits go by. */
export const CIRCUIT_LETTER = 'c';

/** Between the number of a circuit and the topic of what comes by it. */
const TOPIC_MARK = '/';

/** Wire name of a circuit of the destination, and of a topic by it. */
export function circuitWire(circuit: number, topic: string | null = null): string {
  return topic === null ? `${CIRCUIT_LETTER}${circuit}` : `${CIRCUIT_LETTER}${circuit}${TOPIC_MARK}${topic}`;
}

/** What the consumers' ends of circuits are built on. */
export interface CircuitsPorts {
  readonly streams: AddressStreams;
  readonly sites: SiteSlots;
}

/** A consumer's end of a circuit. */
export class CircuitEnd implements Circuit {
  /** What its deliveries refer to. */
  readonly entry: AddressEntry;
  #topic: AddressEntry | null = null;

  constructor(
    private readonly ports: CircuitsPorts,
    forwarder: Forwarder,
    readonly id: number,
    readonly home: NodeId,
    /** Null once it is closed, or broken. */
    public consumer: RemoteConsumer | null,
    private readonly gone: (end: CircuitEnd) => void,
  ) {
    this.entry = new AddressEntry('queue', circuitWire(id), defaultPolicy('queue'), forwarder);
    this.entry.circuit = this;
  }

  arrive(receipt: Receipt, seq: number, flags: number, chunk: Chunk, start: number, end: number): void {
    this.arriveOf(null, receipt, seq, flags, chunk, start, end);
  }

  arriveLarge(receipt: Receipt, seq: number, flags: number, body: LargeBody): void {
    this.arriveLargeOf(null, receipt, seq, flags, body);
  }

  /** @param topic what the message was published to, where the home has said so */
  arriveOf(
    topic: AddressEntry | null,
    receipt: Receipt,
    seq: number,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    if (this.consumer === null) this.#refuse(receipt, seq, flags);
    else this.consumer.arrived(this.#slot(receipt, seq, flags), topic, chunk, start, end);
  }

  arriveLargeOf(topic: AddressEntry | null, receipt: Receipt, seq: number, flags: number, body: LargeBody): void {
    if (this.consumer === null) this.#refuse(receipt, seq, flags);
    else this.consumer.arrivedLarge(this.#slot(receipt, seq, flags), topic, body);
  }

  /** What deliveries refer to that were published to a topic: the same as long as that is. */
  entryOf(topic: string): AddressEntry {
    if (this.#topic?.name !== topic) {
      const { policy, forwarder } = this.consumer?.entry ?? this.entry;
      const entry = new AddressEntry('topic', topic, policy, forwarder);
      entry.circuit = {
        arrive: (receipt, seq, flags, chunk, start, end) =>
          this.arriveOf(entry, receipt, seq, flags, chunk, start, end),
        arriveLarge: (receipt, seq, flags, body) => this.arriveLargeOf(entry, receipt, seq, flags, body),
      };
      this.#topic = entry;
    }
    return this.#topic;
  }

  #slot(receipt: Receipt, seq: number, flags: number): number {
    return (flags & MESSAGE_FLAG.tracked) === 0 ? -1 : this.ports.sites.add(receipt, seq, 1, this.entry);
  }

  #refuse(receipt: Receipt, seq: number, flags: number): void {
    if ((flags & MESSAGE_FLAG.tracked) === 0) return;
    this.ports.streams.outcome(receipt.origin, receipt, seq, OUTCOME.undelivered, null);
  }

  forget(): void {
    this.consumer = null;
    this.gone(this);
  }

  credit(limit: number): void {
    this.ports.streams.sendControl(this.home, CONTROL.circuitCredit, writeCount(this.id, limit));
  }

  drain(): void {
    // What was given back before may be what it waits for.
    this.ports.streams.sendOutcomes();
    this.ports.streams.sendControl(this.home, CONTROL.circuitDrain, writeCircuit(this.id));
  }

  confirm(): void {
    this.ports.streams.sendControl(this.home, CONTROL.circuitConfirm, writeCircuit(this.id));
  }

  close(closed: boolean): void {
    this.ports.streams.sendControl(this.home, CONTROL.circuitClose, writeClose(this.id, closed));
    this.forget();
  }
}

/** Circuits of consumers at this node, by number. */
export class Circuits {
  readonly #open = new Map<number, CircuitEnd>();
  #last = 0;
  /** What arrives for a circuit that is closed. */
  readonly #closed: CircuitEnd;

  constructor(
    private readonly ports: CircuitsPorts,
    private readonly forwarder: Forwarder,
  ) {
    this.#closed = new CircuitEnd(ports, forwarder, 0, 0, null, () => undefined);
  }

  open(home: NodeId, consumer: RemoteConsumer, what: CircuitOpen): Circuit {
    this.#last = (this.#last + 1) >>> 0;
    const end = new CircuitEnd(this.ports, this.forwarder, this.#last, home, consumer, ({ id }) => {
      this.#open.delete(id);
    });
    this.#open.set(end.id, end);
    this.ports.streams.sendControl(home, CONTROL.circuitOpen, writeOpen(end.id, what));
    return end;
  }

  /** What a circuit's wire name refers to. */
  entryOf(wire: string): AddressEntry {
    const mark = wire.indexOf(TOPIC_MARK);
    const end = this.#open.get(Number(mark < 0 ? wire.slice(1) : wire.slice(1, mark))) ?? this.#closed;
    return mark < 0 ? end.entry : end.entryOf(wire.slice(mark + 1));
  }

  /** A message of the home. @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    const id = reader.u32();
    const end = this.#open.get(id);
    const consumer = end?.home === origin ? end.consumer : null;
    if (kind === CONTROL.circuitAsk) {
      this.#answer(origin, id, consumer, reader.u48());
      return;
    }
    if (consumer === null) return;
    if (kind === CONTROL.circuitOpened) consumer.onOpened();
    else if (kind === CONTROL.circuitDrained) consumer.onDrained(reader.u48());
    else if (kind === CONTROL.circuitGone) consumer.onGone(readError(reader));
    else consumer.onSettled(reader.u48(), reader.u8() === 0 ? null : readError(reader));
  }

  #answer(home: NodeId, id: number, consumer: RemoteConsumer | null, asked: number): void {
    const { streams } = this.ports;
    if (consumer === null) streams.sendControl(home, CONTROL.circuitClose, writeClose(id, false));
    else streams.sendControl(home, CONTROL.circuitHere, writeCount(id, asked));
  }

  /** Whatever this node and a home had agreed on is void; null for all homes. */
  broken(home: NodeId | null): void {
    for (const end of [...this.#open.values()]) if (home === null || end.home === home) end.consumer?.broken();
  }
}
