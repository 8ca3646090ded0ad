/** Kinds of control message that the address layers of two nodes exchange. */
export const CONTROL = {
  /** u48 version: the destination's interest up to it is applied here. */
  interestApplied: 1,
  /** text wire name: publishers of it are to wait. */
  choke: 2,
  /** text wire name: they may go on. */
  unchoke: 3,
  /** text wire name, u32 messages: what the destination may have outstanding here. */
  quota: 4,
} as const;
