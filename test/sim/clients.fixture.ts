import type {
  ClientSession,
  SessionHandler,
  SessionSpec,
  SessionSubscription,
  SessionWill,
} from '../../src/addresses/client-contract';
import type { FairleadError } from '../../src/common/errors';
import { AmqpMap } from '../../src/amqp/codec/values';
import { decodeMessage } from '../../src/message/decode-message';
import { encodeMessage } from '../../src/message/encode-message';
import { simMesh, type SimMesh } from './address-meshes';
import { rule, type VirtualNode } from './virtual-mesh';

/** An encoded message with a body of text. */
export function message(text: string, ttl?: number): Buffer {
  return encodeMessage({
    ...(ttl === undefined ? {} : { header: { ttl } }),
    applicationProperties: new AmqpMap([]),
    body: { kind: 'value', value: text },
  });
}

export function textOf(payload: Buffer): string {
  const { body } = decodeMessage(payload);
  return body.kind === 'value' ? String(body.value) : '';
}

/** Retains a text at a node, or clears the topic. @returns what it was told, once it was */
export function retain(node: VirtualNode, topic: string, text: string | null, ttl?: number): { told: unknown } {
  const { addresses, clients } = node.running;
  const payload = text === null ? Buffer.alloc(0) : message(text, ttl);
  const result: { told: unknown } = { told: undefined };
  clients.retain(addresses.resolve(`topic/${topic}`, 'topic'), payload, 0, payload.length, (error) => {
    result.told = error?.code ?? null;
  });
  return result;
}

/** What a node retains, by topic. */
export function retainedAt(node: VirtualNode, filter = '#'): Record<string, string> {
  const cursor = node.running.clients.retained(filter);
  const found: [string, string][] = [];
  for (let next = cursor.next(); next !== null; next = cursor.next())
    found.push([next.address.name, textOf(next.payload)]);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A client with a session, that notes what it is told. */
export class SimClient implements SessionHandler {
  session: ClientSession | null = null;
  refused: string | null = null;
  taken: string | null = null;
  /** What it saves when it is taken over. */
  lastState: Buffer | null = null;
  /** What it does within that. */
  onTakenOver = (): void => undefined;
  readonly abandon: () => void;

  constructor(
    readonly node: VirtualNode,
    spec: Partial<SessionSpec> = {},
  ) {
    const all = { clientId: 'c', protocol: 'test', clean: false, expiryMs: Infinity, will: null, ...spec };
    this.abandon = node.running.clients.openSession(all, this);
  }

  onOpened(session: ClientSession): void {
    this.session = session;
  }

  onRefused(error: FairleadError): void {
    this.refused = error.code;
  }

  onTaken(error: FairleadError): void {
    this.taken = error.code;
    if (this.lastState !== null) this.session?.saveState(this.lastState);
    this.onTakenOver();
  }

  inFlight(): number {
    return 3;
  }

  get open(): ClientSession {
    if (this.session === null) throw new Error(`not open: ${this.refused ?? 'waits'}`);
    return this.session;
  }

  subscribe(...filters: string[]): void {
    const added = filters.map((filter): SessionSubscription => ({
      filter,
      durable: { name: filter, client: 'c' },
      options: Buffer.from([1]),
    }));
    this.open.setSubscriptions([...this.open.subscriptions, ...added]);
  }

  get filters(): string[] {
    return this.open.subscriptions.map(({ filter }) => filter);
  }
}

/** Three nodes, or other ones, whose clients leave things on topics. */
export const clientMesh = (links: readonly string[] = ['a-b', 'b-c']): SimMesh =>
  simMesh(links, { shared: [rule('news.#', 'topic'), rule('gone.#', 'topic')], limits: { partitionHoldMs: 10_000 } });

export const NODES = ['a', 'b', 'c'] as const;

/** A will on the topic `gone.c`. */
export function will(delayMs = 0, more: Partial<SessionWill> = {}): SessionWill {
  return { address: 'topic/gone.c', payload: message('gone'), durable: false, retain: false, delayMs, ...more };
}

/** A client whose session is open, or was refused. */
export function opened({ node, until }: SimMesh, at: string, spec: Partial<SessionSpec> = {}): SimClient {
  const client = new SimClient(node(at), spec);
  until('opened', () => client.session !== null || client.refused !== null);
  return client;
}
