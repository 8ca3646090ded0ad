/** In front of a topic: its length. */
export const LENGTH_BYTES = 2;

/** Where the message begins of what is put into an intake in [start, end); `end` or more where there is none. */
export function messageAfterTopic(payload: Buffer, start: number, end: number): number {
  return end - start < LENGTH_BYTES ? end : start + LENGTH_BYTES + payload.readUInt16BE(start);
}
