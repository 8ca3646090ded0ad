import type { ConsumerSpec } from './contract';
import { CLAIM_IDS_MAX } from './limits';
import { publisherTag } from './publisher-tag';

/** What a subscription asks for. */
export interface SubscriptionDefinition {
  /** Topic or filter. */
  readonly filter: string;
  readonly selector: string | null;
  readonly noLocal: boolean;
  /** Messages whose publisher has this tag are not for it; 0 for none. */
  readonly notFrom: number;
  readonly shared: boolean;
  readonly durable: boolean;
}

/** What a node tells of a queue that lives there, beside its name. */
export interface QueueClaim {
  /** Of several claims the one with the greatest generation holds. */
  readonly generation: number;
  /** Of a subscription: when it was made there, by its home's clock of such changes. */
  readonly since: number;
  readonly subscription: SubscriptionDefinition | null;
  /** Of a subscription: by what it, and others that were joined to it, are told from one of the same name that is made later. */
  readonly ids?: readonly string[];
  /** It lives there no more: the node that it moved to. Looked at only where nobody else tells of it. */
  readonly movedTo?: string;
  /** Of a subscription that moved: when, by its former home's clock. */
  readonly until?: number;
}

/** Of a queue that is no subscription and has never moved. */
export const PLAIN_CLAIM: QueueClaim = { generation: 0, since: 0, subscription: null };
const NOTHING = Buffer.alloc(0);

/** A claim as a durable fact: nothing for a plain one, else JSON. */
export function writeClaim(claim: QueueClaim): Buffer {
  const { generation, subscription, movedTo } = claim;
  const isPlain = generation === 0 && subscription === null && movedTo === undefined;
  return isPlain ? NOTHING : Buffer.from(claimText(claim));
}

/** The same as text, also of a plain one. */
export function claimText({ generation, since, subscription, ids, movedTo, until }: QueueClaim): string {
  return JSON.stringify({ generation, since, ids, movedTo, until, ...(subscription === null ? {} : { subscription }) });
}

/** Reads what another node told: what is missing, or not understood, is as in a plain one. */
export function readClaim(value: Buffer): QueueClaim {
  if (value.length === 0) return PLAIN_CLAIM;
  const told = objectOf(parse(value));
  const { movedTo, ids, until } = told;
  return {
    generation: countOf(told['generation']),
    since: countOf(told['since']),
    subscription: readDefinition(told['subscription']),
    ...(typeof movedTo === 'string' ? { movedTo } : {}),
    ...(Array.isArray(ids) ? { ids: ids.filter((id) => typeof id === 'string').slice(-CLAIM_IDS_MAX) } : {}),
    ...(until === undefined ? {} : { until: countOf(until) }),
  };
}

/** Whether both tell of the same subscription, or of one that was joined to the other. */
export function isSame(a: Pick<QueueClaim, 'ids'>, b: Pick<QueueClaim, 'ids'>): boolean {
  return a.ids?.some((id) => b.ids?.includes(id) === true) === true;
}

/** A claim of what others were joined to. */
export function joined(claim: QueueClaim, ids: readonly string[]): QueueClaim {
  return { ...claim, ids: [...new Set([...(claim.ids ?? []), ...ids])].slice(-CLAIM_IDS_MAX) };
}

function readDefinition(value: unknown): SubscriptionDefinition | null {
  const told = objectOf(value);
  const { filter, selector } = told;
  if (typeof filter !== 'string' || filter === '') return null;
  return {
    filter,
    selector: typeof selector === 'string' ? selector : null,
    noLocal: told['noLocal'] === true,
    notFrom: countOf(told['notFrom']) >>> 0,
    shared: told['shared'] === true,
    durable: told['durable'] !== false,
  };
}

/** A definition as it goes to the home of its subscription. */
export function writeDefinition(definition: SubscriptionDefinition): string {
  return JSON.stringify(definition);
}

/** Null when it is none. */
export function parseDefinition(text: string): SubscriptionDefinition | null {
  return text === '' ? null : readDefinition(parse(Buffer.from(text)));
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** What a consumer asks of its subscription, whose filter is its address; null when it asks for none. */
export function definitionOf({ address, client, queue, subscription }: ConsumerSpec): SubscriptionDefinition | null {
  if (subscription === undefined) return null;
  const { shared, durable } = subscription;
  const noLocal = queue?.noLocal ?? false;
  const notFrom = noLocal ? publisherTag(client) : 0;
  return { filter: address, selector: queue?.selector ?? null, noLocal, notFrom, shared, durable };
}

/** True when both select the same messages. */
export function selectsAlike(a: SubscriptionDefinition, b: SubscriptionDefinition): boolean {
  return a.filter === b.filter && a.selector === b.selector && a.noLocal === b.noLocal;
}
