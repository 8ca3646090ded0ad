/** Counters of one listener, for metrics. */
export class ListenerCounters {
  accepted = 0;
  refused = 0;
  messagesIn = 0;
  messagesOut = 0;
  /** Messages that no address could be found for, or that were none. */
  messagesRejected = 0;
  /** Replies whose requests waited no longer. */
  repliesLate = 0;
}
