import { WireWriter, type WireReader } from '../common/wire';

/** Kinds of control message about sessions: behind those of the table. */
export const SESSION_CONTROL = {
  /** u32 request, text client id, u8 1 for a clean start: to the node that has the session. */
  take: 52,
  /** u32 request, u8 {@link TAKE}; given: u53 stamp, blob record, blob state; elsewhere: text node. */
  taken: 53,
} as const;

/** How a node answers. */
export const TAKE = { given: 0, elsewhere: 1, none: 2 } as const;

export type TakeAnswer =
  | { readonly how: typeof TAKE.given; readonly stamp: number; readonly record: Buffer; readonly state: Buffer }
  | { readonly how: typeof TAKE.elsewhere; readonly node: string }
  | { readonly how: typeof TAKE.none };

export function writeTake(request: number, clientId: string, clean: boolean): Buffer {
  return new WireWriter(64)
    .u32(request)
    .text(clientId)
    .u8(clean ? 1 : 0)
    .take();
}

export function writeTaken(request: number, answer: TakeAnswer): Buffer {
  const writer = new WireWriter(256).u32(request).u8(answer.how);
  if (answer.how === TAKE.given) writer.u53(answer.stamp).blob(answer.record).blob(answer.state);
  else if (answer.how === TAKE.elsewhere) writer.text(answer.node);
  return writer.take();
}

/** @throws WireError */
export function readTaken(reader: WireReader): TakeAnswer {
  const how = reader.u8();
  if (how === TAKE.given) {
    const stamp = reader.u53();
    const record = Buffer.from(reader.blob());
    return { how, stamp, record, state: Buffer.from(reader.blob()) };
  }
  return how === TAKE.elsewhere ? { how, node: reader.text() } : { how: TAKE.none };
}
