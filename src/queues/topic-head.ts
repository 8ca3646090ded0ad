/** In front of a topic: its length. */
export const LENGTH_BYTES = 2;

/** Where the message begins of what is put into an intake in [start, end); `end` or more where there is none. */
export function messageAfterTopic(payload: Buffer, start: number, end: number): number {
  return end - start < LENGTH_BYTES ? end : start + LENGTH_BYTES + payload.readUInt16BE(start);
}

/** Between what only the route of an intake reads and the topic; without it all is the topic. */
export const TOPIC_MARK = ':';
const MARK_BYTE = TOPIC_MARK.charCodeAt(0);

/** Where the topic begins of what is put into an intake from `start` on, whose message begins at `at`. */
export function topicStart(payload: Buffer, start: number, at: number): number {
  for (let mark = start + LENGTH_BYTES; mark < at; mark++) if (payload[mark] === MARK_BYTE) return mark + 1;
  return start + LENGTH_BYTES;
}
