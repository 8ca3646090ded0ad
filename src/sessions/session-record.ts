import type { SessionSubscription, SessionWill } from '../addresses/client-contract';
import type { SubscriptionRef } from '../addresses/contract';
import { WireError, WireReader, WireWriter } from '../common/wire';

/** What all nodes know of a session. */
export interface SessionRecord {
  /** Name of the node where its client is, or was last; that one ends it. */
  readonly owner: string;
  /** Of its client: what a listener calls it. */
  readonly protocol: string;
  /** Stamp of what was known of the session when its connection opened it; 0 for nothing. */
  readonly replaced: number;
  /** The life of that node in which its client is connected; 0 while it is away. */
  readonly life: number;
  /** How long it outlives its connection; Infinity for ever. */
  readonly expiryMs: number;
  /** When it ends while its client is away: wall-clock ms; 0 for never. */
  readonly endsAt: number;
  /** It is over: what belongs to it is being ended. */
  readonly isEnding: boolean;
  readonly subscriptions: readonly SessionSubscription[];
  readonly will: SessionWill | null;
  /** When the will is due, once its client is away: wall-clock ms; 0 before that. */
  readonly willAt: number;
}

/** Its durable subscriptions. */
export function refsOf({ subscriptions }: SessionRecord): SubscriptionRef[] {
  return subscriptions.flatMap(({ durable }) => (durable === null ? [] : [durable]));
}

const VERSION = 2;
/** The same without the protocol. */
const VERSION_BEFORE = 1;
/** Stands for Infinity. */
const FOREVER = Number.MAX_SAFE_INTEGER;
const FLAG = { ending: 1, will: 2 } as const;
const WILL = { durable: 1, retain: 2 } as const;

/** u8 version, text owner, u53 replaced, u53 life, u53 expiry, u53 end, u8 flags, u32 subscriptions, the will where there is one, text protocol. */
export function encodeSession(record: SessionRecord): Buffer {
  const { owner, protocol, replaced, life, expiryMs, endsAt, isEnding, subscriptions, will, willAt } = record;
  // With room for the largest part: what is kept is the buffer as it was written, which would have twice that otherwise.
  const writer = new WireWriter(256 + (will?.payload.length ?? 0))
    .u8(VERSION)
    .text(owner)
    .u53(replaced)
    .u53(life)
    .u53(timeIn(expiryMs))
    .u53(timeIn(endsAt));
  writer.u8((isEnding ? FLAG.ending : 0) | (will === null ? 0 : FLAG.will)).u32(subscriptions.length);
  for (const subscription of subscriptions) writeSubscription(writer, subscription);
  if (will !== null) writeWill(writer, will, willAt);
  return writer.text(protocol).take();
}

function timeIn(ms: number): number {
  return Math.min(Math.max(0, Math.floor(ms)), FOREVER);
}

function writeSubscription(writer: WireWriter, { filter, durable, options }: SessionSubscription): void {
  writer.text(filter);
  if (durable === null) writer.u8(0);
  else {
    writer.u8(durable.client === null ? 1 : 2).text(durable.name);
    if (durable.client !== null) writer.text(durable.client);
  }
  writer.blob(options);
}

function writeWill(writer: WireWriter, { address, payload, durable, retain, delayMs }: SessionWill, at: number): void {
  writer
    .text(address)
    .blob(payload)
    .u8((durable ? WILL.durable : 0) | (retain ? WILL.retain : 0));
  writer.u53(timeIn(delayMs)).u53(timeIn(at));
}

/** @throws WireError */
export function decodeSession(bytes: Buffer): SessionRecord {
  const reader = new WireReader(bytes);
  const version = reader.u8();
  if (version !== VERSION && version !== VERSION_BEFORE) throw new WireError(`session of version ${version}`);
  const owner = reader.text();
  const replaced = reader.u53();
  const life = reader.u53();
  const expiry = reader.u53();
  const endsAt = reader.u53();
  const flags = reader.u8();
  const count = reader.u32();
  const subscriptions: SessionSubscription[] = [];
  for (let n = 0; n < count; n++) subscriptions.push(readSubscription(reader));
  const { will, willAt } = (flags & FLAG.will) === 0 ? NO_WILL : readWill(reader);
  const expiryMs = expiry === FOREVER ? Infinity : expiry;
  const protocol = version === VERSION ? reader.text() : '';
  return {
    owner,
    protocol,
    replaced,
    life,
    expiryMs,
    endsAt,
    isEnding: (flags & FLAG.ending) !== 0,
    subscriptions,
    will,
    willAt,
  };
}

const NO_WILL = { will: null, willAt: 0 } as const;

function readSubscription(reader: WireReader): SessionSubscription {
  const filter = reader.text();
  const kind = reader.u8();
  const name = kind === 0 ? '' : reader.text();
  const durable = kind === 0 ? null : { name, client: kind === 1 ? null : reader.text() };
  return { filter, durable, options: Buffer.from(reader.blob()) };
}

function readWill(reader: WireReader): { will: SessionWill; willAt: number } {
  const address = reader.text();
  const payload = Buffer.from(reader.blob());
  const flags = reader.u8();
  const delayMs = reader.u53();
  const durable = (flags & WILL.durable) !== 0;
  const retain = (flags & WILL.retain) !== 0;
  return { will: { address, payload, durable, retain, delayMs }, willAt: reader.u53() };
}
