/** What every publisher of the matrix says beside its body, each as its protocol says it. */
export const FACTS = {
  contentType: 'text/plain; charset=utf-8',
  correlationId: 'c-1',
  /** An address, as AMQP clients write it. */
  replyTo: 'queue/answers',
  priority: 7,
  lifetimeMs: 600_000,
  /** An application property that is a string, and one that is an int: of messages that are no events. */
  region: 'eu ☃',
  count: 5,
} as const;

/** Of messages that are events: the attributes of CloudEvents 1.0 that each must have, two that it may have, and an extension. */
export const EVENT: Readonly<Record<string, string>> = {
  specversion: '1.0',
  id: 'e-1',
  source: '/sensors/4',
  type: 'com.example.reading',
  subject: 'roof ☃',
  time: '2026-01-31T12:00:00Z',
  tenant: 'eu',
};

/** What a message is: one with properties of its own, or an event of CloudEvents in binary mode. */
export type What = 'properties' | 'event';

/** A message as a subscriber got it. */
export interface Arrival {
  readonly body: string;
  /** The facts as the protocol tells them; undefined where it carries the body alone. */
  readonly facts?: Facts;
}

export interface Facts {
  readonly contentType: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly durable: boolean;
  readonly priority: number;
  /** How long it has left. */
  readonly lifetimeMs: number | undefined;
  readonly region: string | undefined;
  /** Its type, as the protocol tells it, and its text. */
  readonly count: string | undefined;
  readonly event: Readonly<Record<string, string>>;
}

/** Attributes among what a protocol has for application properties, found by their names there. */
export function eventOf(
  told: Readonly<Record<string, unknown>>,
  nameOf: (attribute: string) => string,
): Facts['event'] {
  const attributes = Object.keys(EVENT).map((attribute) => [attribute, told[nameOf(attribute)]] as const);
  return Object.fromEntries(attributes.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Of a type and a text that a protocol tells apart. */
export function countOf(type: unknown, text: unknown): string | undefined {
  return type === undefined && text === undefined ? undefined : `${String(type)} ${String(text)}`;
}

/** What is left until a time, where there is one. */
export function leftUntil(epochMs: number | undefined): number | undefined {
  return epochMs === undefined || Number.isNaN(epochMs) ? undefined : epochMs - Date.now();
}

export interface Ports {
  readonly amqp: number;
  readonly mqtt: number;
  readonly stomp: number;
  readonly web: number;
}

/** One client, at both ends of the matrix. Addresses are written as AMQP clients do. */
export interface MatrixClient {
  readonly name: string;
  /** MQTT 3.1.1 carries nothing else. */
  readonly bodyAlone: boolean;
  /** Whether it can say and tell a content type: JMS knows kinds of messages instead. */
  readonly contentTypes: boolean;
  /** How `queue/answers` is told to it. */
  readonly replyTo: string;
  /** Publishes a message with all facts, and waits until it is accepted. */
  publish(ports: Ports, address: string, body: string, what: What): Promise<void>;
  /** Resolves when it misses nothing any more, with what tells all that has arrived. */
  subscribe(ports: Ports, address: string): Promise<() => readonly Arrival[]>;
}

/** How what was left open is ended, before its nodes are. */
const endings: (() => unknown)[] = [];

export function atEnd(end: () => unknown): void {
  endings.push(end);
}

export async function endClients(): Promise<void> {
  await Promise.all(endings.splice(0).map((end) => end()));
}
