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
  /** A consumer of a queue that lives at the destination: see `circuit-messages.ts`. The first five go to the home. */
  circuitOpen: 5,
  circuitCredit: 6,
  circuitDrain: 7,
  circuitConfirm: 8,
  circuitClose: 9,
  circuitOpened: 10,
  circuitDrained: 11,
  circuitSettled: 12,
  circuitGone: 13,
  /** u32 circuit, u48 number: is its consumer there? Answered by `circuitHere` with the same, to the home, or by `circuitClose`. */
  circuitAsk: 14,
  circuitHere: 15,
  /** u32 request, text queue: the subscription is to end. The answer: u32 request, u8 1 with an error behind it. */
  subscriptionEnd: 20,
  subscriptionEnded: 21,
  /** As `interestApplied`, of the destination's facts, with its incarnation behind it. */
  factsApplied: 22,
  /** A queue on its way to another home: see `rehoming-messages.ts`. */
  moveTaken: 40,
  moveStaged: 41,
  moveCommit: 42,
  moveClaimed: 43,
  moveRefused: 44,
  moveForget: 45,
  /** Of a subscription that has come to the sender: text queue, u8 stage, text former home. Answer: text queue, u8 flags, u53 first, u53 last. */
  handoverAsk: 46,
  handoverAnswer: 47,
} as const;
