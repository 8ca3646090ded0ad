/**
 * Others that have a message which is put into an intake: destinations of an outbox, for subscriptions at other nodes. What they have of it
 * goes into the same group, so that it is stored and answered once for all. Of `enter`, `enterLarge` and `refused` one is called, once;
 * none for a transaction that is rolled back.
 */
export interface CoHolder {
  /** How many they are. */
  readonly holders: number;
  /** What it is put behind has no place yet: it keeps its own, and is entered later. Never after something else was called. */
  wait(): void;
  /**
   * It goes into the group of this turn.
   * @param payload what is put in [start, end), valid until the call returns; its message begins at `at`
   * @param shared the message of queues that each of them has from now on; null where they keep it themselves
   */
  enter(payload: Buffer, start: number, at: number, end: number, shared: number | null): void;
  /**
   * The same of a large one.
   * @param before what is put before the message: its topic
   * @param body names its parts, which each of them has from now on
   */
  enterLarge(before: Buffer, body: number, length: number): void;
  /** It is not put. */
  refused(): void;
}

/** Messages that several queues have, as co-holders see them. */
export interface SharedMessages {
  /** The bytes of one; null when there is none. @throws RecordDamagedError */
  message(id: number): Buffer | null;
  /** One holder less has it, from the group of this turn on. */
  release(id: number): void;
}

/** Where in the store co-holders keep what they have of messages. All but this of such a record is the holder's: */
export const CO_HOLDERS_SPACE = 33;
/** what it names, and the number of that. */
export const HOLDS = { message: 2, body: 3 } as const;
const KIND_AT = 21;
const NAME_AT = 22;

/** What a record of theirs has of what queues store; null when it has nothing of that. */
export function heldBy(record: Buffer): { readonly what: 'message' | 'body'; readonly id: number } | null {
  if (record.length < NAME_AT + 8) return null;
  const kind = record[KIND_AT];
  if (kind !== HOLDS.message && kind !== HOLDS.body) return null;
  const id = record.readUInt32BE(NAME_AT) * 2 ** 32 + record.readUInt32BE(NAME_AT + 4);
  return { what: kind === HOLDS.message ? 'message' : 'body', id };
}
