import type { ClientSpace, RetainedCursor, RetainedMessage } from '../../addresses/client-contract';
import type { AddressRef, Consumer, ConsumerHandler } from '../../addresses/contract';
import { mqttHead } from '../../message/mapping/mqtt-plain';
import { nameOfTopic } from '../../message/mapping/mqtt-topic';
import type { Deadline, Deadlines } from '../edge/deadlines';
import { SYSTEM_VALUES_MS } from './limits';
import { plainMessage, SCRATCH } from './message-bytes';
import type { MqttTotals } from './totals';

const ROOT = '$SYS';

/** Whether a mesh name or filter is of what the node says of itself. */
export function isSystemName(name: string): boolean {
  return name === ROOT || name.startsWith(`${ROOT}.`);
}

/** What a value is read from. */
export interface SystemSources {
  readonly version: string;
  readonly totals: MqttTotals;
  readonly space: Pick<ClientSpace, 'counts'>;
  readonly deadlines: Deadlines;
}

/** One value: its topic, and its text as it is now. */
class SystemValue {
  readonly address: AddressRef;
  readonly words: readonly string[];
  readonly #head: Buffer;

  constructor(
    topic: string,
    private readonly read: () => string | number,
  ) {
    const name = nameOfTopic(`${ROOT}/broker/${topic}`);
    this.address = { kind: 'topic', name };
    this.words = name.split('.');
    this.#head = mqttHead(0, false, `topic/${name}`);
  }

  text(): string {
    return String(this.read());
  }

  /** As a message of MQTT would come out of the mesh. */
  message(text: string): Buffer {
    const bytes = Buffer.from(text);
    return Buffer.from(SCRATCH.subarray(0, plainMessage(this.#head, bytes, 0, bytes.length)));
  }
}

/** Names and meanings are mosquitto's, so that what watches a broker can watch a node. */
function valuesOf({ version, totals, space, deadlines }: SystemSources): SystemValue[] {
  const since = deadlines.now();
  const values: Readonly<Record<string, () => string | number>> = {
    version: () => `fairlead version ${version}`,
    uptime: () => `${Math.floor((deadlines.now() - since) / 1_000)} seconds`,
    'clients/connected': () => totals.clients,
    'clients/disconnected': () => Math.max(0, space.counts().sessionsHere - totals.clients),
    'clients/total': () => Math.max(totals.clients, space.counts().sessionsHere),
    'clients/maximum': () => totals.clientsMax,
    'messages/received': () => totals.packetsIn,
    'messages/sent': () => totals.packetsOut,
    'publish/messages/received': () => totals.publishesIn,
    'publish/messages/sent': () => totals.publishesOut,
    'bytes/received': () => totals.bytesIn,
    'bytes/sent': () => totals.bytesOut,
    'subscriptions/count': () => totals.subscriptions,
    'retained messages/count': () => space.counts().retained,
  };
  return Object.entries(values).map(([topic, read]) => new SystemValue(topic, read));
}

/** `*` is one word, `#` all that follow: in a filter of MQTT it is the last. */
function matches(filter: readonly string[], words: readonly string[]): boolean {
  if (filter[filter.length - 1] !== '#' && filter.length !== words.length) return false;
  return filter.every((word, at) => word === '#' || word === '*' || word === words[at]);
}

/**
 * What the node says of itself below `$SYS/broker`: for clients of this node that ask for it, as if it were retained, and again when it has
 * changed. None of it is stored or leaves the node.
 */
export class SystemTopics implements Deadline {
  dueAtMs = Infinity;
  readonly #values: readonly SystemValue[];
  readonly #consumers = new Set<SystemConsumer>();

  constructor(private readonly sources: SystemSources) {
    this.#values = valuesOf(sources);
  }

  /** All that a mesh filter matches, as it is now. */
  retained(filter: string): RetainedCursor {
    const found = this.#matching(filter).values();
    return { next: () => this.#messageOf(found.next().value) };
  }

  #messageOf(value: SystemValue | undefined): RetainedMessage | null {
    if (value === undefined) return null;
    return { address: value.address, payload: value.message(value.text()), at: Date.now(), expiresAt: null };
  }

  #matching(filter: string): SystemValue[] {
    const words = filter.split('.');
    return this.#values.filter((value) => matches(words, value.words));
  }

  /** Tells changes from now on. */
  openConsumer(filter: string, handler: ConsumerHandler): Consumer {
    const consumer = new SystemConsumer(filter, this.#matching(filter), handler, () => this.#closed(consumer));
    this.#consumers.add(consumer);
    if (this.#consumers.size === 1) {
      this.dueAtMs = this.sources.deadlines.now() + SYSTEM_VALUES_MS;
      this.sources.deadlines.add(this);
    }
    handler.onConfirmed([]);
    return consumer;
  }

  #closed(consumer: SystemConsumer): void {
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.sources.deadlines.remove(this);
  }

  onDue(nowMs: number): void {
    this.dueAtMs = nowMs + SYSTEM_VALUES_MS;
    for (const consumer of this.#consumers) consumer.tell();
  }
}

/** Tells one subscription what has changed: for each value the newest text, however slowly its client takes it. */
class SystemConsumer implements Consumer {
  readonly address: AddressRef;
  readonly #told: string[];
  readonly #due = new Set<number>();

  constructor(
    filter: string,
    private readonly values: readonly SystemValue[],
    private readonly handler: ConsumerHandler,
    private readonly closed: () => void,
  ) {
    this.address = { kind: 'topic', name: filter };
    this.#told = values.map((value) => value.text());
  }

  get waiting(): number {
    return this.#due.size;
  }

  tell(): void {
    this.values.forEach((value, at) => {
      if (value.text() !== this.#told[at]) this.#due.add(at);
    });
    this.pump();
  }

  pump(): void {
    for (const at of this.#due) {
      if (!this.handler.ready()) return;
      this.#due.delete(at);
      const value = this.values[at] as SystemValue;
      const text = (this.#told[at] = value.text());
      const message = value.message(text);
      this.handler.deliver(-1, value.address, true, message, 0, message.length);
    }
  }

  settle(): void {
    // Nobody waits for what becomes of it.
  }

  drain(): void {
    this.handler.onDrained();
  }

  close(): void {
    this.closed();
  }
}
