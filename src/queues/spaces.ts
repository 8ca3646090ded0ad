/** Kinds of records of queues: the `space` of a key. Other users of the store: {@link OTHERS_FROM}. */
export const SPACE = {
  /** Queue 0; key: id of a queue; value: its name. */
  directory: 1,
  /** Key 0: counts, the last sequence, the delivered mark. */
  state: 2,
  /** What can be delivered, in delivery order; see {@link keyOf}. */
  messages: 3,
  /** What waits for its time, by that time. */
  delayed: 4,
  /** What waits to be sent to the dead-letter address, by its key. */
  dead: 5,
  /** Parts of large messages. */
  segments: 6,
  /** Large messages whose parts belong to no message: not yet, or not any more. */
  garbage: 7,
  /** What was put by other nodes. */
  marks: 8,
  /** Message-ids seen lately, by the sequence of their message. */
  ids: 9,
  /** Queue 0; key: id of an intake; value: its name. It has marks, and no messages. */
  intakes: 10,
  /** Queue 0; messages that several queues have, each as a record. */
  payloads: 11,
  /** Queue 0; how many records have a payload. */
  holders: 12,
  /** Queue 0; how many messages have the parts of a large one, where they were more than one. */
  bodyHolders: 13,
  /** Which clients' links must not have a message again, by its key. */
  exclusions: 14,
  /** Queue 0: what is noted of queues that move, or have moved. */
  moves: 16,
} as const;

/** Records of spaces from here on are no queue's: their `queue` is a number of whoever has the space. */
export const OTHERS_FROM = 32;
/** Spaces of others that say how much there is of what: left out by a salvage, and counted anew where they are missing. */
export const OTHERS_COUNTS: readonly number[] = [35, 36];

/** The spaces that have records of a queue under its number, and where in such a record that of the message begins; -1 for none. */
export const QUEUE_SPACES: readonly (readonly [space: number, message: number])[] = [
  [SPACE.messages, 0],
  [SPACE.delayed, 14],
  [SPACE.dead, 1],
  [SPACE.marks, -1],
  [SPACE.ids, -1],
  [SPACE.exclusions, -1],
  [SPACE.state, -1],
];

/** Where in a record of a space that of the message begins; -1 where there is none. */
export function messageAt(space: number): number {
  return QUEUE_SPACES.find(([one]) => one === space)?.[1] ?? -1;
}

/** One for each priority; the highest priority comes first. */
export const LANES = 10;
/** Sequences of a queue are below this: three centuries of a million messages a second. */
export const LANE_SPAN = 2 ** 48;

/** Delivery order: by lane, within it by sequence. Below 2^53. */
export function keyOf(lane: number, seq: number): number {
  return lane * LANE_SPAN + seq;
}

export function laneOf(key: number): number {
  return Math.floor(key / LANE_SPAN);
}

export function seqOf(key: number): number {
  return key - laneOf(key) * LANE_SPAN;
}
