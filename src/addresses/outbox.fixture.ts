import { SILENT_JOURNAL } from '../common/ports';
import type { QueueHost } from '../queues/contract';
import { createQueueHost } from '../queues/host';
import { ModelStore } from '../queues/model-store.fixture';
import { MemoryBody } from '../queues/queues.fixture';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { AddressCounters } from './ports';
import type { ForwarderPorts } from './forwarder';
import type { LocalPublisher } from './local-publisher';
import { Outbox } from './outbox';
import { OUTBOX_SPACE } from './outbox-records';
import type { Outgoing } from './outgoing';
import { entryOf, TestClock } from './parts.fixture';
import { PendingTable } from './pending';

/** A message that is under way to its home. */
export interface UnderWay {
  readonly to: string;
  readonly slot: number;
  readonly seq: number;
  readonly epoch: number;
  readonly text: string;
}

export const fill = (letter: string, bytes: number): string => letter.repeat(bytes);
/** How a message is told: a long one by its first letter and its length. */
export const short = (text: string): string => (text.length < 20 ? text : `${text[0]} * ${text.length}`);

/** An outbox on a store that can fail and be killed; what it forwards waits for the test's answer. */
export class Scene {
  readonly clock = new TestClock();
  readonly pending = new PendingTable();
  readonly told: [token: number, outcome: Outcome, condition: string | undefined][] = [];
  readonly sent: UnderWay[] = [];
  readonly behind = new Set<string>();
  readonly counters = new AddressCounters();
  readonly uses = new Map<string, Outgoing | null>();
  readonly entries = new Map<string, AddressEntry>();
  readonly deadLetters: string[] = [];
  host: QueueHost;
  outbox: Outbox;

  constructor(public store = new ModelStore()) {
    [this.host, this.outbox] = this.#start();
  }

  #start(): [QueueHost, Outbox] {
    const { store, clock, pending, counters } = this;
    const events = {
      onQueue: () => undefined,
      onRoom: () => undefined,
      forward: () => undefined,
      forwardLarge: () => undefined,
      onDamage: () => undefined,
    };
    const host = createQueueHost({ store, clock, events });
    const retention = { capacity: 64 * 1024 * 1024 };
    const shared = { clock, pending, counters, retention, scheduleFlush: () => undefined } as unknown as ForwarderPorts;
    const outbox = new Outbox(shared, {
      store,
      host,
      journal: SILENT_JOURNAL,
      wall: () => clock.at,
      entryOf: (name) => this.entry(name),
      uses: ({ name }, outgoing) => void this.uses.set(name, outgoing),
      openPublisher: (handler) => {
        return {
          finish: handler.onOutcome.bind(handler),
          forget: () => undefined,
          pending: 0,
        } as unknown as LocalPublisher;
      },
      homeOf: () => 'home',
      isBehind: ({ name }) => this.behind.has(name),
      unsentBytes: () => 0,
      put: ({ name }, slot, _tag, _cameAt, bytes, start, epoch, seq) =>
        void this.sent.push({ to: name, slot, seq, epoch, text: short(bytes.toString('latin1', start)) }),
      putLarge: ({ name }, slot, _tag, _cameAt, body, epoch, seq) =>
        void this.sent.push({ to: name, slot, seq, epoch, text: short(textOf(body)) }),
      deadLetter: (_address, message, done) => {
        this.deadLetters.push(short(Buffer.isBuffer(message) ? message.toString() : textOf(message)));
        done(OUTCOME.accepted);
      },
    });
    outbox.start();
    return [host, outbox];
  }

  entry(name: string): AddressEntry {
    let entry = this.entries.get(name);
    if (entry === undefined) this.entries.set(name, (entry = entryOf('queue', name)));
    return entry;
  }

  readonly sink = {
    onPut: (token: number, outcome: Outcome, detail: OutcomeDetail | null) =>
      void this.told.push([token, outcome, detail?.condition]),
  };

  put(to: readonly string[], text: string, token = 0): void {
    const bytes = Buffer.from(text, 'latin1');
    this.outbox.put(
      to.map((name) => this.entry(name)),
      this.sink,
      token,
      0,
      7,
      bytes,
      0,
      bytes.length,
    );
  }

  putLarge(to: readonly string[], text: string, token = 0): MemoryBody {
    const body = new MemoryBody(Buffer.from(text, 'latin1'));
    this.outbox.putLarge(
      to.map((name) => this.entry(name)),
      this.sink,
      token,
      0,
      7,
      body,
    );
    return body;
  }

  /** Ends the turn, and lets the disk do what it has. */
  settle(): void {
    for (let turn = 0; turn < 50; turn++) {
      this.clock.at++;
      this.outbox.flush(this.clock.at);
      this.host.flush();
      this.host.tick(this.clock.at);
      this.store.settle();
    }
    this.outbox.flush(this.clock.at);
  }

  /** The homes answer what is under way. */
  answer(outcome: Outcome = OUTCOME.accepted, detail: OutcomeDetail | null = null, count = this.sent.length): void {
    for (const { slot } of this.sent.splice(0, count)) {
      this.pending.finish(slot, outcome, detail);
      this.pending.free(slot);
    }
  }

  crash(untold = 0): void {
    this.store = this.store.crash(untold);
    this.sent.length = 0;
    this.entries.clear();
    this.uses.clear();
    [this.host, this.outbox] = this.#start();
  }

  texts(to: string): string[] {
    return this.sent.filter((each) => each.to === to).map(({ text }) => text);
  }

  records(): number {
    const { messages, payloads, holders } = OUTBOX_SPACE;
    const perQueue = [1, 2, 3].map((id) => this.store.keys(messages, id).length).reduce((sum, count) => sum + count, 0);
    return perQueue + this.store.keys(payloads, 0).length + this.store.keys(holders, 0).length;
  }

  /** Parts of large messages, and what says that they are garbage. */
  parts(): number {
    return this.store.keys(6, 0).length + this.store.keys(7, 0).length;
  }
}

function textOf(body: LargeBody): string {
  const bytes = Buffer.alloc(body.length);
  for (let at = 0; at < bytes.length;) at += body.read(at, bytes.subarray(at));
  return bytes.toString('latin1');
}

export const BIG = fill('x', 1_000);
export const LARGE = fill('y', 200_000);
