import { FairleadError } from '../common/errors';
import { WireWriter, type WireReader } from '../common/wire';
import type { QueueConsumerSpec } from '../queues/contract';
import { CLIENT_CHARS_TOLD } from './limits';
import { parseDefinition, writeDefinition, type SubscriptionDefinition } from './queue-claim';

/** Bits of what a consumer asks for. */
const ASKS = { browse: 1, exclusive: 2, settled: 4, takeOver: 8, again: 16, topics: 32 } as const;
/** Stands for no bound. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** What opens a circuit, beside its number. */
export interface CircuitOpen {
  readonly wire: string;
  /** Deliveries that its consumer takes, counted from the first. */
  readonly limit: number;
  readonly spec: QueueConsumerSpec;
  /** What the subscription is to be like; null for a queue that is none. */
  readonly subscription: SubscriptionDefinition | null;
  /** The consumer had one that broke: it goes on, or not at all. */
  readonly again: boolean;
  /** The consumer's node is told the topic that each message of a subscription was published to. */
  readonly topics: boolean;
}

/** u32 circuit, text wire name, u48 limit, u8 asks, u32 not from, u32 endpoint, u53 bytes, text client, text selector, text subscription. */
export function writeOpen(circuit: number, { wire, limit, spec, subscription, again, topics }: CircuitOpen): Buffer {
  const asks =
    (spec.browse ? ASKS.browse : 0) |
    (spec.exclusive === true ? ASKS.exclusive : 0) |
    (spec.exclusive === 'takeOver' ? ASKS.takeOver : 0) |
    (spec.settled ? ASKS.settled : 0) |
    (again ? ASKS.again : 0) |
    (topics ? ASKS.topics : 0);
  return new WireWriter()
    .u32(circuit)
    .text(wire)
    .u48(limit)
    .u8(asks)
    .u32(spec.notFrom)
    .u32(spec.endpoint)
    .u53(Math.min(spec.messageBytesMax, UNBOUNDED))
    .text(spec.client.slice(0, CLIENT_CHARS_TOLD))
    .text(spec.selector ?? '')
    .text(subscription === null ? '' : writeDefinition(subscription))
    .take();
}

/** @param near the consumer's node is of this site. @throws WireError */
export function readOpen(reader: WireReader, near: boolean): CircuitOpen {
  const wire = reader.text();
  const limit = reader.u48();
  const asks = reader.u8();
  const notFrom = reader.u32();
  const endpoint = reader.u32();
  const bytes = reader.u53();
  const client = reader.text();
  const selector = reader.text();
  const subscription = parseDefinition(reader.text());
  const spec = {
    client,
    browse: (asks & ASKS.browse) !== 0,
    exclusive: (asks & ASKS.takeOver) !== 0 ? ('takeOver' as const) : (asks & ASKS.exclusive) !== 0,
    settled: (asks & ASKS.settled) !== 0,
    selector: selector === '' ? null : selector,
    notFrom,
    endpoint,
    near,
    messageBytesMax: bytes === UNBOUNDED ? Infinity : bytes,
  };
  const [again, topics] = [(asks & ASKS.again) !== 0, (asks & ASKS.topics) !== 0];
  return { wire, limit, spec, subscription, again, topics };
}

/** u32 circuit, u48 count. */
export function writeCount(circuit: number, count: number): Buffer {
  return new WireWriter(10).u32(circuit).u48(count).take();
}

/** u32 circuit. */
export function writeCircuit(circuit: number): Buffer {
  return new WireWriter(4).u32(circuit).take();
}

/** u32 circuit, u8 1 where the client's link is over. */
export function writeClose(circuit: number, closed: boolean): Buffer {
  return new WireWriter(5)
    .u32(circuit)
    .u8(closed ? 1 : 0)
    .take();
}

/** u32 circuit, u48 delivery, u8 1 with an error behind it. */
export function writeSettled(circuit: number, delivery: number, error: FairleadError | null): Buffer {
  const writer = new WireWriter(16).u32(circuit).u48(delivery);
  if (error === null) return writer.u8(0).take();
  return writeError(writer.u8(1), error).take();
}

/** u32 circuit and an error: text code, text condition, text message, u8 retryable. */
export function writeGone(circuit: number, error: FairleadError): Buffer {
  return writeError(new WireWriter().u32(circuit), error).take();
}

const MESSAGE_CHARS_MAX = 1_024;

/** An error for another node: text code, text condition, text message, u8 retryable. */
export function writeError(writer: WireWriter, { code, condition, message, retryable }: FairleadError): WireWriter {
  return writer
    .text(code)
    .text(condition ?? '')
    .text(message.slice(0, MESSAGE_CHARS_MAX))
    .u8(retryable ? 1 : 0);
}

/** An error that another node told. @throws WireError */
export function readError(reader: WireReader): FairleadError {
  const code = reader.text();
  const condition = reader.text();
  const message = reader.text();
  const retryable = reader.u8() !== 0;
  return new FairleadError(code, message, condition === '' ? { retryable } : { condition, retryable });
}
