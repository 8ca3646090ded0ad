/** What every publisher of the matrix says beside its body, each as its protocol says it. */
export const FACTS = {
  contentType: 'text/plain; charset=utf-8',
  correlationId: 'c-1',
  /** An address, as AMQP clients write it. */
  replyTo: 'queue/answers',
  /** An application property that is a string, and one that is an int. */
  region: 'eu ☃',
  count: 5,
} as const;

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
  readonly region: string | undefined;
  /** Its type, as the protocol tells it, and its text. */
  readonly count: string | undefined;
}

/** What a subscriber is to be told of what all but clients of MQTT 3.1.1 say. */
export const TOLD: Omit<Facts, 'replyTo'> = {
  contentType: FACTS.contentType,
  correlationId: FACTS.correlationId,
  region: FACTS.region,
  count: 'int 5',
};

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
  /** How `queue/answers` is told to it. */
  readonly replyTo: string;
  /** Publishes a message with all facts, and waits until it is accepted. */
  publish(ports: Ports, address: string, body: string): Promise<void>;
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
